"""The decision log: whole lines in order, a file that others may rename, and an error where a line was not taken."""

import asyncio
import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.core.errors import Unavailable
from plugin.stores.decision_log import open_decision_log

REPOSITORY = Path(__file__).resolve().parents[2]
ROTATION = REPOSITORY / "deploy" / "logrotate" / "vestibule"
# Appends lines for as long as it lives, and says so once it has begun.
WRITER = """
import asyncio, sys
from plugin.stores.decision_log import open_decision_log
async def main():
    log = await open_decision_log(sys.argv[1])
    number = 0
    while True:
        await log.append(b"%d " % number + b"x" * 3000 + b"\\n")
        if number == 20:
            print("begun", flush=True)
        number += 1
asyncio.run(main())
"""


async def test_lines_stand_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    log = await open_decision_log(str(tmp_path / "log"))

    await asyncio.gather(*(log.append(b"%d\n" % number) for number in range(100)))

    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(100)]
    await log.close()


async def test_only_its_user_may_read_it(tmp_path: Path) -> None:
    log = await open_decision_log(str(tmp_path / "log"))

    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    await log.close()


@pytest.mark.parametrize("rotate", [lambda file: file.rename(f"{file}.1"), lambda file: file.unlink()])
async def test_a_file_that_was_renamed_or_removed_is_opened_anew(tmp_path: Path, rotate: object) -> None:
    file = tmp_path / "log"
    log = await open_decision_log(str(file))
    await log.append(b"before\n")

    rotate(file)
    await log.append(b"after\n")

    assert file.read_bytes() == b"after\n"
    await log.close()


def rotation(folder: Path) -> Path:
    """Write the shipped rotation for a log in this folder, of this user."""
    config = folder / "rotation"
    text = ROTATION.read_text().replace("/var/lib/vestibule/decisions.jsonl", str(folder / "decisions.jsonl"))
    config.write_text(text.replace("    su vestibule vestibule\n", ""))
    config.chmod(0o600)
    folder.chmod(0o700)
    return config


def rotate(folder: Path, *, config: Path, to: str) -> None:
    """Let the real logrotate rotate, and give what it made of the log, which it does once a day, a name of its own."""
    command = ["logrotate", "--force", "--state", str(folder / "state"), str(config)]
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (rotated,) = folder.glob("decisions.jsonl-*")
    rotated.rename(folder / to)


@pytest.mark.component("logrotate")
async def test_logrotate_loses_no_line(tmp_path: Path) -> None:
    config = rotation(tmp_path)
    log = await open_decision_log(str(tmp_path / "decisions.jsonl"))

    for number in range(3):
        await log.append(b"%d\n" % number)
        rotate(tmp_path, config=config, to=f"kept-{number}")
    await log.append(b"3\n")
    await log.close()

    files = [tmp_path / name for name in ("kept-0", "kept-1", "kept-2", "decisions.jsonl")]
    assert [file.read_text() for file in files] == ["0\n", "1\n", "2\n", "3\n"]


def test_a_process_that_is_killed_leaves_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "log"
    command = [sys.executable, "-c", WRITER, str(file)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.kill()

    lines = file.read_bytes().split(b"\n")
    assert len(lines) > 20
    assert lines.pop() == b""
    assert {len(line.partition(b" ")[2]) for line in lines} == {3000}


async def test_a_line_that_was_cut_off_is_unavailable_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = tmp_path / "log"
    log = await open_decision_log(str(file))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    # The kernel takes what fits, as it does on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, before[1]))
    try:
        with pytest.raises(Unavailable, match="EIO"):
            await log.append(b"0123456789\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    await log.append(b"next\n")
    await log.append(b"last\n")

    assert file.read_bytes() == b"0123\nnext\nlast\n"
    await log.close()


async def test_what_another_process_has_cut_off_does_not_spoil_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"half')

    log = await open_decision_log(str(tmp_path / "log"))
    await log.append(b"first\n")

    assert (tmp_path / "log").read_bytes() == b'{"half\nfirst\n'
    await log.close()


@pytest.mark.parametrize(("target", "code"), [("/dev/full", errno.ENOSPC), ("missing/log", errno.ENOENT)])
async def test_a_line_that_cannot_be_written_is_unavailable(tmp_path: Path, target: str, code: int) -> None:
    with pytest.raises(Unavailable, match=errno.errorcode[code]) as caught:
        await write_one(str(tmp_path / target))

    assert str(tmp_path) not in str(caught.value)


async def write_one(target: str) -> None:
    log = await open_decision_log(target)
    await log.append(b"line\n")


def test_a_reader_that_does_not_read_keeps_nobody_waiting_for_long() -> None:
    program = (
        "import asyncio, sys\nfrom plugin.core.errors import Unavailable\n"
        "from plugin.stores.decision_log import open_decision_log\n"
        "async def main():\n    log = await open_decision_log('-')\n    try:\n"
        "        while True: await log.append(b'x' * 9000 + b'\\n')\n"
        "    except Unavailable as unavailable: print(unavailable, file=sys.stderr)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program]

    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stderr is not None
        said = writer.stderr.readline()
        code = writer.wait(timeout=20)

    assert (said.split()[:2], code) == ([b"decision", b"log:"], 0)
