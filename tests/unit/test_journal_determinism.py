"""One history gives one file, byte for byte, whoever reads along and however the writes were spread."""

import hashlib
import subprocess
import sys
from pathlib import Path

from engine.journal.journal import Journal

WRITE = """
import random, sys
from pathlib import Path
from engine.journal.journal import Journal

path, seed, reads = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "read"
dice = random.Random(seed)
with Journal.open(path, genesis={"format": 1, "seed": seed}) as journal:
    for number in range(150):
        with journal.transaction():
            journal.append("opportunity", {"number": number, "text": "x" * dice.randrange(6000)})
            worst, spent = dice.randrange(10**18), dice.randrange(10**17)
            journal.append("reservation", {"reservation": f"r{number}", "worst_wei": worst, "day": number // 100})
            journal.append("intent", {"intent_id": f"i{number}", "nonce": number, "tx_hash": f"0x{number:064x}"})
        if reads and number % 50 == 0:
            reader = Journal.read(path)
            assert reader.head == journal.head
            reader.close()
        journal.append("outcome", {"type": "Filled", "intent_id": f"i{number}"})
        charge = {"day": number // 100, "gas_wei": spent, "loss_wei": spent // 2}
        journal.append("release", {"reservation": f"r{number}", "how": "filled", **charge})
"""


def written(folder: Path, name: str, seed: int, reads: str = "") -> str:
    path = folder / name
    subprocess.run([sys.executable, "-c", WRITE, str(path), str(seed), reads], check=True)
    assert {file.name for file in folder.glob(f"{path.stem}*")} == {name, f"{path.stem}.seal"}
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_one_seed_in_two_processes_gives_one_file_and_another_seed_another(tmp_path: Path) -> None:
    first = written(tmp_path, "first.sqlite", 7)
    assert written(tmp_path, "second.sqlite", 7) == first
    assert written(tmp_path, "watched.sqlite", 7, "read") == first
    assert written(tmp_path, "other.sqlite", 8) != first
    with Journal.read(tmp_path / "first.sqlite") as journal:
        assert journal.head[0] == 1 + 150 * 5
