# Which engine could KVM nest here? Never needed, used when asked for.
"""Choose between TCG and KVM, and the engine that goes with it."""

import os
import re
from pathlib import Path

from pyhv.errors import Failure

KVM = Path("/dev/kvm")
NESTED = {
    "vmx": Path("/sys/module/kvm_intel/parameters/nested"),
    "svm": Path("/sys/module/kvm_amd/parameters/nested"),
}


def _openable(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError:
        return False
    return True


def nested_engine() -> tuple[str | None, str]:
    """Return the engine that KVM can nest here, if any, and otherwise the reason why not."""
    if not KVM.exists():
        return None, "there is no /dev/kvm"
    if not _openable(KVM):
        return None, "/dev/kvm cannot be opened: is KVM loaded, and are you in group kvm?"
    flags = re.search(r"^flags\s*:.*\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text(), re.M)
    if not flags:
        return None, "this CPU shows neither VMX nor SVM"
    engine = flags[1]
    try:
        enabled = NESTED[engine].read_text().strip() in ("1", "Y")
    except OSError:
        enabled = False
    if not enabled:
        return None, f"KVM does not nest: {NESTED[engine]} is not 1"
    return engine, ""


def choose(accel: str, engine: str | None) -> tuple[str, str]:
    """Return the accelerator and the engine for the wishes `tcg|kvm|auto` and `svm|vmx|None`."""
    if accel == "tcg":
        return "tcg", engine or "svm"
    offered, reason = nested_engine()
    if offered and engine in (None, offered):
        return "kvm", offered
    if accel == "auto":
        return "tcg", engine or "svm"
    if offered:
        raise Failure(f"KVM nests {offered} here, not {engine}: leave --engine or --accel out")
    raise Failure(f"no KVM: {reason}. The tour needs none: leave --accel out")
