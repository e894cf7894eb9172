# A bootable ISO: GRUB for BIOS and UEFI, the image and its module.
"""Make a GRUB ISO that boots an image by multiboot2, or real Xen with its first kernel."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.paths import BUILD


# With these GRUB finds a frame buffer.
GRUB_VIDEO = "if [ $grub_platform = efi ]; then insmod all_video; else insmod vbe; fi"


def grub_config(options: str, has_module: bool, first: tuple[str, ...] = ()) -> str:
    """Return the grub.cfg that runs the commands `first`, and then boots the image at once."""
    lines = [GRUB_VIDEO, "set timeout=0", "set default=0", "menuentry 'Subfloor' {"]
    lines += [f"    {command}" for command in first]
    lines.append(f"    multiboot2 /boot/hv.elf {options}".rstrip())
    if has_module:
        lines.append("    module2 /boot/module.cpio")
    return "\n".join([*lines, "    boot", "}", ""])


def xen_config(options: str, kernel_options: str) -> str:
    """Return the grub.cfg that boots Xen: by multiboot 1, since Bochs crashes in its other way."""
    # The first word of each command line stands for the program's name.
    return "\n".join([
        "set timeout=0", "set default=0", "menuentry 'Xen' {",
        f"    multiboot /boot/hv.elf xen {options}",
        f"    module /boot/first_kernel linux {kernel_options}", "    module /boot/module.cpio",
        "    boot", "}", "",
    ])


def _place(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def make(machine: Machine) -> Path:
    """Return the ISO in build/iso, made anew unless its files and options are unchanged."""
    image, module, first_kernel = machine.image, machine.module, machine.first_kernel
    if first_kernel:
        config = xen_config(machine.options, machine.first_options)
    else:
        config = grub_config(machine.options, module is not None, machine.grub)
    name = hashlib.sha256(f"{image} {module} {config}".encode()).hexdigest()[:8]
    iso = BUILD / "iso" / f"{image.stem}-{name}.iso"
    recipe = iso.with_suffix(".recipe")
    inputs = [file for file in (image, module, first_kernel) if file]
    key = config + "".join(f"{f} {f.stat().st_size} {f.stat().st_mtime_ns}\n" for f in inputs)
    if iso.exists() and recipe.exists() and recipe.read_text() == key:
        return iso
    iso.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=iso.parent, prefix="iso-") as directory:
        boot = Path(directory) / "boot"
        (boot / "grub").mkdir(parents=True)
        (boot / "grub" / "grub.cfg").write_text(config)
        _place(image, boot / "hv.elf")
        if module:
            _place(module, boot / "module.cpio")
        if first_kernel:
            _place(first_kernel, boot / "first_kernel")
        done = subprocess.run(
            ["grub-mkrescue", "-o", str(iso), directory],
            capture_output=True, text=True, check=False,
        )
    if done.returncode != 0 or not iso.exists():
        raise Failure("grub-mkrescue made no ISO", done.stderr)
    recipe.write_text(key)
    return iso
