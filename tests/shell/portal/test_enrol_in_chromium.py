"""A person enrols a device in a real browser, at a provider that others wrote, through the real page."""

import asyncio

import pytest

from tests.shell.demo.chromium import Page, tab
from tests.shell.demo.test_page_accessibility import grave_violations
from tests.shell.portal.conftest import Portal

pytestmark = [
    pytest.mark.component("chromium"),
    pytest.mark.component("node-oidc-provider"),
    pytest.mark.component("axe-core"),
]
SECONDS = 60


async def arrived(page: Page, condition: str) -> None:
    """Wait for a condition across navigations, each of which ends whatever is asked of the page before."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                return await page.until(condition)
            except AssertionError:
                continue


async def sign_in(portal: Portal, *, page: Page | None = None) -> None:
    page = page or portal.page
    await page.send("Page.navigate", url=f"{portal.url}/enrol")
    await arrived(page, "document.querySelector('#providers button')")
    await page.evaluate("document.querySelector('#providers button').click()")
    await arrived(page, "document.querySelector('input[name=account]')")
    await page.evaluate(
        "document.querySelector('input[name=account]').value = 'alice'; document.querySelector('form').submit()"
    )
    await arrived(page, "document.querySelector('#register:not([hidden])')")


async def register(page: Page, name: str) -> None:
    await page.evaluate(f"document.getElementById('name').value = '{name}'")
    await page.evaluate("document.getElementById('registration').requestSubmit()")
    await page.until("document.querySelector('#list li') || document.getElementById('problem').textContent")


async def test_a_person_signs_in_and_registers_this_device(portal: Portal) -> None:
    await sign_in(portal)

    await register(portal.page, "laptop")

    assert await portal.page.text("#problem") == ""
    assert "waiting for approval" in await portal.page.text("#state")
    assert await portal.page.evaluate("document.querySelector('#list input').value") == "laptop"


async def test_a_token_is_in_no_address_storage_cookie_or_document(portal: Portal) -> None:
    await sign_in(portal)
    await register(portal.page, "laptop")

    seen = await portal.page.evaluate(
        "[location.href, document.referrer, document.cookie, document.documentElement.outerHTML,"
        " JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join(' ')"
    )

    assert "eyJ" not in seen
    assert "code=" not in seen
    assert "state=" not in seen


async def test_a_device_that_its_owner_reports_as_lost_is_shown_as_lost(portal: Portal) -> None:
    await sign_in(portal)
    await register(portal.page, "laptop")

    await portal.page.evaluate("document.querySelectorAll('#list button')[1].click()")
    await portal.page.until("document.querySelector('#list .note').textContent.includes('lost')")

    assert await portal.page.evaluate("document.querySelectorAll('#list button').length") == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_page_breaks_no_rule_gravely_and_fits_a_narrow_screen(portal: Portal, dark: bool) -> None:
    await portal.page.look(width=320, height=700, dark=dark)
    await sign_in(portal)
    await register(portal.page, "laptop")

    # The page's own policy lets no foreign script in; axe is brought in from outside, as the browser's.
    assert await grave_violations(portal.page) == []
    assert not await portal.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


async def test_a_link_stolen_from_another_browser_signs_nobody_in(portal: Portal) -> None:
    async with tab(portal.browser, "about:blank") as page:
        await page.send(
            "Page.navigate", url=f"{portal.url}/enrol/callback?state=stolen&code=stolen&iss={portal.issuer}"
        )
        await arrived(page, "document.getElementById('problem')?.textContent")

        assert "sign in again" in await page.text("#problem")
        assert await page.evaluate("document.getElementById('register').hidden")
