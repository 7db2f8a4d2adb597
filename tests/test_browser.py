"""The pages in a real browser, Debian's Chromium without network: universal design, small windows, keyboard only, fifty thousand rows.

Needs `chromium` and `chromium-driver`; without them these tests are skipped.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from selenium_axe_python import Axe
from test_pages import evaluation, folder, labelled, made  # noqa: F401  # two of them are fixtures

from classifier import predict_many, storage
from classifier.documents.labelled import read_labelled
from classifier.evaluation import evaluate
from classifier.report import evaluating

ROOT = Path(__file__).parent.parent
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromium-driver")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
PAGES = ["nb", "nn", "en", "csv", "without", "own"]


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A headless Chromium that reaches no network."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(120)
    driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def places(folder: Path, evaluation: Path, trained: Callable[[str], Path]) -> dict[str, Path]:  # noqa: F811
    """The pages by name; `own` is an evaluation of a model of few labels, since axe takes long over long pages."""
    model, own = storage.load(trained("feedback")), folder / "own.html"
    gold = read_labelled([ROOT / "tests/data/feedback.jsonl"], model.taxonomy)
    predicted = [p.to_dict(all_scores=True) for p in predict_many((r["text"] for r in gold), model)]
    figures = evaluate(gold, predicted, model.taxonomy, rounds=20)
    own.write_text(evaluating.page(str(model), model.taxonomy, gold, predicted, figures, "feedback.jsonl", "nb"), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in PAGES} | {"evaluation": evaluation / "e.html", "own": own}


def opened(driver: webdriver.Chrome, page: Path, width: int = 1280, scale: int = 1) -> None:
    """Open a page from disk in a window so many CSS pixels wide."""
    size = {"width": width, "height": 900, "deviceScaleFactor": scale, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get_log("browser")
    driver.get(page.as_uri())


def violations(driver: webdriver.Chrome) -> list[tuple[str, Any]]:
    axe = Axe(driver)
    axe.inject()
    found = axe.run(options={"runOnly": RULES, "resultTypes": ["violations"]})["violations"]
    return [(v["id"], [node["html"][:120] for node in v["nodes"][:3]]) for v in found]


def value(driver: webdriver.Chrome, script: str) -> Any:
    return driver.execute_script(f"return {script}")


def status(driver: webdriver.Chrome) -> str:
    return str(value(driver, "document.getElementById('status').textContent"))


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("name", PAGES)
def test_universal_design(browser: webdriver.Chrome, places: dict[str, Path], name: str, width: int) -> None:
    """axe-core finds no violation of WCAG 2.1 A and AA or of good practice; the page is no wider than its window; the browser complains
    of nothing."""
    opened(browser, places[name], width)
    assert violations(browser) == []
    assert value(browser, "document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 320])
def test_universal_design_of_a_long_page(browser: webdriver.Chrome, places: dict[str, Path], width: int) -> None:
    """As above, of an evaluation of the shipped model."""
    opened(browser, places["evaluation"], width)
    assert violations(browser) == []
    assert value(browser, "document.documentElement.scrollWidth") <= width


def test_filtered_and_dark(browser: webdriver.Chrome, places: dict[str, Path]) -> None:
    """With a label chosen, texts unfolded and dark colours asked for, axe still finds no violation, and words are marked."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    try:
        opened(browser, places["nn"])
        browser.execute_script("document.querySelector('a[data-filter]').click()")
        browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
        assert value(browser, "document.querySelectorAll('#results mark').length") > 5
        assert violations(browser) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_zoomed(browser: webdriver.Chrome, places: dict[str, Path]) -> None:
    """At 200 % zoom of a 1280 pixels wide window (640 CSS pixels), nothing but the regions made for it scrolls sideways."""
    for page in places.values():
        opened(browser, page, 640, scale=2)
        assert value(browser, "document.documentElement.scrollWidth") <= 640


def test_regions_that_scroll_can_be_reached(browser: webdriver.Chrome, places: dict[str, Path]) -> None:
    """In a small window wide tables and pictures scroll in regions of their own, which the keyboard reaches and which have a name."""
    opened(browser, places["nb"], 320)
    wide = "[...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth + 1)"
    assert value(browser, f"{wide}.length") > 10
    assert value(browser, f"{wide}.every((e) => e.tabIndex === 0 && document.getElementById(e.getAttribute('aria-labelledby')))")


def test_keyboard_only(browser: webdriver.Chrome, places: dict[str, Path], folder: Path) -> None:  # noqa: F811
    """By keys alone: over the contents to the texts, a search, a label, a page further, back to all; a figure leads to its texts."""
    rows = labelled(folder)
    opened(browser, places["nb"])

    def press(*keys: str) -> None:
        browser.switch_to.active_element.send_keys(*keys)

    def tab_to(script: str) -> None:
        for _ in range(60):
            press(Keys.TAB)
            if value(browser, f"(() => {{ const e = document.activeElement; return {script}; }})()"):
                return
        raise AssertionError(f"the keyboard does not reach: {script}")

    def said(part: str) -> None:
        WebDriverWait(browser, 5).until(lambda _: part in status(browser), f"{part!r} is not in {status(browser)!r}")

    tab_to("e.className === 'skip'")
    tab_to("e.getAttribute('href') === '#texts'")
    press(Keys.ENTER)
    tab_to("e.id === 'q'")
    press("biblioteket")
    found = sum("biblioteket" in f"{r['id']}\n{r['beskrivelse']}".lower() for r in rows)
    assert 0 < found < len(rows)
    said(f"av {found} tekster")
    press(Keys.BACKSPACE * len("biblioteket"))
    said(f"av {len(rows)} tekster")
    tab_to("e.id === 'label'")
    press("prosess")
    having = [r for r in rows if "prosess" in [x["label"] for x in r["type"]]]
    said(f"av {len(having)} tekster")
    assert value(browser, "document.querySelectorAll('#results mark').length") > 0
    tab_to("e.type === 'reset'")
    press(Keys.ENTER)
    said(f"1–20 av {len(rows)} tekster")
    tab_to("e.id === 'next'")
    press(Keys.ENTER)
    said(f"21–{len(rows)} av")
    assert value(browser, "document.activeElement.id") == "texts-title"

    browser.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    opened(browser, places["nb"])
    tab_to("e.dataset.filter && e.closest('tr').textContent.includes('Prosess')")
    press(Keys.ENTER)
    said(f"av {len(having)} tekster")
    assert value(browser, "document.activeElement.id") == "texts-title"


def test_a_figure_leads_to_its_texts(browser: webdriver.Chrome, places: dict[str, Path]) -> None:
    """Every figure that can be pressed shows as many texts as it says, whether of a label, a group, the verdict or for review."""
    opened(browser, places["nb"])
    wrong = browser.execute_script("""
        const wrong = [], seen = new Set();
        for (const link of document.querySelectorAll("a[data-filter]")) {
          if (seen.has(link.dataset.filter)) continue;
          seen.add(link.dataset.filter);
          link.click();
          const said = document.getElementById("status").textContent.match(/av (\\d+) /);
          if ((said ? said[1] : "0") !== link.textContent) wrong.push([link.dataset.filter, link.textContent, said && said[1]]);
        }
        return [wrong, seen.size];
    """)
    assert wrong[0] == []
    assert wrong[1] > 100


def test_without_script(browser: webdriver.Chrome, places: dict[str, Path]) -> None:
    """Without JavaScript the tables and pictures stand, and the page says what does not."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, places["nb"])
        assert browser.find_element(By.CSS_SELECTOR, "svg[role=img]").is_displayed()
        assert browser.find_element(By.TAG_NAME, "table").is_displayed()
        assert browser.find_element(By.TAG_NAME, "noscript").text
        assert not browser.find_element(By.TAG_NAME, "form").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_printed(browser: webdriver.Chrome, places: dict[str, Path]) -> None:
    """On paper there are no filters, nothing is cut off by a scrolling region, and folded texts are open."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        opened(browser, places["evaluation"], 700)
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert value(browser, "[...document.querySelectorAll('details')].every((d) => d.open)")
        opened(browser, places["nb"], 700)
        assert value(browser, "getComputedStyle(document.querySelector('form')).display") == "none"
        assert value(browser, "[...document.querySelectorAll('.scroll')].every((e) => getComputedStyle(e).overflowY === 'visible')")
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.slow
def test_fifty_thousand_rows(browser: webdriver.Chrome, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    """A page of 50,000 rows opens within ten seconds on a busy machine, and a search or a filter answers within two."""
    rows = labelled(folder)
    with (tmp_path / "many.jsonl").open("w", encoding="utf-8") as file:
        for i in range(50_000):
            row = rows[i % len(rows)] | {"id": f"R{i}", "år": str(2010 + i % 15), "fylke": f"Kommune {i % 356}"}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    made(tmp_path / "many.jsonl", tmp_path / "many.html")
    begun = time.monotonic()
    opened(browser, tmp_path / "many.html")
    assert "50\u00a0000" in status(browser)
    loaded = time.monotonic() - begun
    answers = []
    for field, text in (("q", "kommunen lovverk"), ("label", "1"), ("g1", "3"), ("order", "unsure"), ("q", "R49")):
        answers.append(browser.execute_async_script(
            """
            const [field, value, done] = arguments, status = document.getElementById("status"), begun = performance.now();
            const answered = (_, o) => { o.disconnect(); done((performance.now() - begun) / 1000); };
            new MutationObserver(answered).observe(status, { childList: true });
            document.getElementById(field).value = value;
            document.getElementById("explorer").dispatchEvent(new Event("input"));
            """, field, text,
        ))  # fmt: skip
    print(f"{(tmp_path / 'many.html').stat().st_size / 1e6:.0f} MB, open in {loaded:.1f} s, answers {[round(a, 2) for a in answers]} s")
    assert loaded < 10
    assert max(answers) < 2
    assert value(browser, "document.querySelectorAll('#results > li').length") <= 20
