"""The demo's page as people use it in a real browser: with the keyboard alone, on a phone, in the dark."""

import pytest

from plugin.shell.demo.people import PEOPLE
from tests.shell.demo.chromium import Page, tab

pytestmark = pytest.mark.component("chromium")

PHONE = 360
JOIN = "\N{RIGHT SINGLE QUOTATION MARK}s join"
CHOSEN = {"person": "Alice", "laptop": "own", "moment": "morning", "network": "office", "conference": "board"}
DAN = {"person": "Dan", "laptop": "none", "conference": "joint-review"}


async def the_six(page: Page) -> None:
    await page.until("document.querySelectorAll('.card .open').length >= 6")


async def tab_to(page: Page, text: str) -> None:
    """Press Tab until something that begins with this text has the focus."""
    for _ in range(100):
        await page.press("Tab")
        if (await page.focused()).startswith(text):
            return
    raise AssertionError(f"no way to `{text}` by Tab")


async def open_waterfall(page: Page, name: str) -> int:
    """Open the waterfall of somebody's newest join, and return the join's number."""
    await the_six(page)
    await tab_to(page, f"Open the waterfall of {name}{JOIN}")
    number = await page.evaluate("Number(document.activeElement.dataset.join)")
    await page.press("Enter")
    await page.until("document.querySelector('dialog').open")
    return int(number)


async def choose(page: Page, **chosen: str) -> None:
    """Choose, and press the button. Wait for what came of it."""
    for name, value in {**CHOSEN, **chosen}.items():
        await page.evaluate(f"document.getElementById('try-{name}').value = '{value}'")
    await page.evaluate("document.getElementById('result').replaceChildren()")
    await page.evaluate("document.querySelector('#try button').focus()")
    await page.press("Enter")
    await page.until("document.querySelector('#result h3') || document.getElementById('problem').textContent")


async def is_scrolled_sideways(page: Page, selector: str) -> bool:
    looking = f"document.querySelector('{selector}')"
    return bool(await page.evaluate(f"{looking}.scrollWidth > {looking}.clientWidth"))


async def test_the_six_joins_are_shown_newest_first(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await the_six(page)

        names = await page.evaluate("[...document.querySelectorAll('.card h3')].map((name) => name.textContent)")

    assert names[-6:] == [person.name for person in reversed(PEOPLE)]


async def test_a_waterfall_opens_and_closes_by_keyboard_and_gives_the_focus_back(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await open_waterfall(page, "Eve")
        title, focused = await page.text("dialog h2"), await page.focused()

        await page.press("Escape")
        await page.until("!document.querySelector('dialog').open")

        assert (title, focused) == (f"Eve{JOIN}", "Close")
        assert await page.focused() == f"Open the waterfall of Eve{JOIN}"


async def test_the_focus_does_not_leave_an_open_waterfall(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await open_waterfall(page, "Alice")

        await page.press("Tab", "Tab", "Tab")
        await page.press("Tab", "Tab", shift=True)

        assert not await page.evaluate("document.activeElement.closest('main')")


async def test_what_has_the_focus_is_seen_to_have_it(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await open_waterfall(page, "Alice")

        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")

    assert outline == "solid"


async def test_a_click_anywhere_on_a_card_opens_its_waterfall(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await the_six(page)

        await page.evaluate("[...document.querySelectorAll('.card .story')].at(-1).click()")

        assert await page.text("dialog h2") == f"Alice{JOIN}"


async def test_every_question_has_its_steps_where_they_were_measured(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        number = await open_waterfall(page, "Alice")
        told = await page.evaluate("fetch('demo/joins').then((answer) => answer.json())")
        (questions,) = [join["questions"] for join in told["joins"] if join["number"] == number]

        rows = await page.evaluate(
            "[...document.querySelectorAll('.questions > li')].map((asked) => ["
            "...asked.querySelectorAll('tbody tr')].map((row) => {"
            "const [track, bar] = ['.track', '.bar'].map((part) => row.querySelector(part).getBoundingClientRect());"
            "const [step, outcome] = [...row.children].map((cell) => cell.textContent);"
            "return { step, outcome, from: (bar.left - track.left) / track.width, part: bar.width / track.width } }))"
        )
        scale = await page.evaluate("Number([...document.querySelectorAll('.ticks span')].at(4).textContent)")

    assert len(rows) == len(questions)
    for asked, drawn in zip(questions, rows, strict=True):
        assert [(row["step"], row["outcome"]) for row in drawn] == [
            (step["name"], step["outcome"]) for step in asked["steps"]
        ]
        for step, row in zip(asked["steps"], drawn, strict=True):
            assert row["from"] == pytest.approx(step["began"] / scale, abs=0.01)
            assert row["part"] == pytest.approx(step["milliseconds"] / scale, abs=0.01)


async def test_each_audience_is_shown_what_it_was_told_and_no_more(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await open_waterfall(page, "Bob")

        person, host, staff = await page.evaluate(
            "[...document.querySelectorAll('.audiences section')].map((audience) => audience.innerText)"
        )

    assert "put Bob into “board [meetme]” as Guest" in person
    assert "alone there" in host
    assert "Bob" not in host
    assert all(word in staff for word in ("inner-zone-refused", "meetme-for-employees", "admission.cedar:", "dec_"))
    assert not any(word in person + host for word in ("meetme-for-employees", ".cedar", "dec_"))


@pytest.mark.parametrize(
    ("first", "then", "decisions"),
    [
        ({}, {"person": "Frank"}, ("Allowed", "Denied")),
        ({}, {"laptop": "none"}, ("Allowed", "Redirected")),
        (DAN, {"moment": "evening"}, ("Redirected", "Denied")),
        ({}, {"network": "unlocated"}, ("Allowed", "Denied")),
        ({}, {"conference": "personnel"}, ("Allowed", "Denied")),
    ],
    ids=["who", "laptop", "when", "network", "conference"],
)
async def test_each_choice_can_change_the_decision_and_the_page_says_what_differs(
    demo: str, browser: str, first: dict[str, str], then: dict[str, str], decisions: tuple[str, str]
) -> None:
    async with tab(browser, demo) as page:
        await the_six(page)

        await choose(page, **first)
        before = await page.text("#result .badge strong")
        await choose(page, **{**first, **then})
        now = await page.text("#result .badge strong")
        rows = await page.evaluate(
            "[...document.querySelectorAll('.comparison tbody tr')].map((row) => "
            "[...row.children].map((cell) => cell.textContent))"
        )

    assert (before, now) == decisions
    assert ["Decision", *decisions] in rows
    assert [len(row) for row in rows[: rows.index(["Result"])]] == [1, 3]


async def test_a_join_can_be_tried_by_keyboard_alone(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await the_six(page)
        await page.evaluate("document.getElementById('try-person').focus()")

        await page.press("End", "Tab", "End", "Tab", "Home", "Tab", "Home", "Tab", "Home", "Tab", "Enter")
        await page.until("document.querySelector('#result h3')")

        assert await page.text("#result .reason") == "This conference does not take guests. Please sign in."
        assert await page.focused() == "Join"


async def test_the_page_says_that_nobody_can_try_while_the_six_are_playing(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await the_six(page)
        await page.evaluate("document.getElementById('play').click()")
        await page.until("document.getElementById('status').textContent")

        await choose(page)
        problem = await page.text("#problem")
        await page.until("document.getElementById('status').textContent.startsWith('Frank')")

    assert problem == "Somebody is still joining. Try again when they are done."


async def test_nothing_is_wider_than_a_phone(demo: str, browser: str) -> None:
    async with tab(browser, demo, width=PHONE, height=780) as page:
        await the_six(page)
        await choose(page, laptop="none")
        await choose(page, laptop="other")
        with_result = await is_scrolled_sideways(page, "html")

        await open_waterfall(page, "Alice")

        assert not with_result
        assert not await is_scrolled_sideways(page, "html")
        assert not await is_scrolled_sideways(page, "dialog")


async def test_nothing_moves_for_those_who_prefer_that(demo: str, browser: str) -> None:
    async with tab(browser, demo) as page:
        await the_six(page)

        assert await page.evaluate("document.getAnimations().length") == 0
        assert await page.evaluate("getComputedStyle(document.querySelector('.card')).animationName") == "none"
