"""Draw what `innovasjon predict` shows on a terminal of 80 columns, for the README: `examples/predict.svg`."""

import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT

from classifier import predict
from classifier.display.items import prediction_items
from classifier.display.terminal import console, rendered
from classifier.storage import shipped

TEXT = (
    "Hjemmetjenesten i Fjellvik har tatt i bruk digitalt tilsyn i alle omsorgsboligene. Medarbeiderne følger med på en skjerm på "
    "vaktrommet, og rykker ut bare når en sensor varsler. Det har gitt færre natterunder, og beboerne sover bedre. Lovverket gjorde "
    "det vanskelig å dele helseopplysninger med sykehuset, og flere av de ansatte var skeptiske til utstyret."
)
OUT = Path(__file__).parent.parent / "examples/predict.svg"

screen = console(io.StringIO(), width=80)
screen.record = True
model = shipped()
screen.print(rendered(prediction_items(TEXT, predict(TEXT), model.taxonomy, "nb"), screen.width))
plain_fonts = re.sub(r"@font-face \{\{.*?\n\s*\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.S)  # rich's own would be fetched from the web
OUT.write_text(screen.export_svg(title='innovasjon predict "…"', code_format=plain_fonts, unique_id="predict"), encoding="utf-8")
