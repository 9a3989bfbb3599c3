"""The demo's page held to the accessibility rules of axe-core, in every state and colour scheme."""

from pathlib import Path
from typing import Any

import pytest

from tests.shell.demo.chromium import Page, tab

pytestmark = [pytest.mark.component("chromium"), pytest.mark.component("axe-core")]

AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = {"serious", "critical"}


async def grave_violations(page: Page) -> list[tuple[str, list[str]]]:
    """Return the rules that are broken gravely, and where. Contrast is among them."""
    await page.evaluate(f"{AXE.read_text(encoding='utf-8')}; null")
    found: list[dict[str, Any]] = await page.evaluate("axe.run().then((results) => results.violations)")
    return [
        (rule["id"], [node["failureSummary"] for node in rule["nodes"]]) for rule in found if rule["impact"] in GRAVE
    ]


async def the_list(page: Page) -> None:
    """Show the joins, and what came of two that were tried."""
    await page.until("document.querySelectorAll('.card .open').length >= 6")
    for laptop in ("own", "none"):
        await page.evaluate(f"document.getElementById('try-laptop').value = '{laptop}'")
        await page.evaluate("document.getElementById('result').replaceChildren()")
        await page.evaluate("document.getElementById('try').requestSubmit()")
        await page.until("document.querySelector('#result h3')")


async def the_waterfall(page: Page, *, of: str) -> None:
    await the_list(page)
    await page.evaluate(f"document.querySelector('.card.{of} .open').click()")
    await page.until("document.querySelector('dialog').open")


@pytest.mark.parametrize("width", [1100, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_list_breaks_no_rule_gravely(demo: str, browser: str, width: int, dark: bool) -> None:
    async with tab(browser, demo, width=width, dark=dark) as page:
        await the_list(page)

        assert await grave_violations(page) == []


@pytest.mark.parametrize("outcome", ["allow", "redirect", "deny"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_an_open_waterfall_breaks_no_rule_gravely(demo: str, browser: str, outcome: str, dark: bool) -> None:
    async with tab(browser, demo, dark=dark) as page:
        await the_waterfall(page, of=outcome)

        assert await grave_violations(page) == []
