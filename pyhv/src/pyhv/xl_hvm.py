# What real Xen's dom0 needs to be a whole machine for an HVM guest, out of Debian's packages.
"""The firmware that an HVM guest begins in, and the QEMU that plays its devices."""

from pyhv import cpio, debian, xl

FOLDERS = ("usr", "usr/lib", "usr/lib/xen-4.17", "usr/lib/xen-4.17/boot", "usr/libexec",
           "usr/share", "usr/share/qemu", "usr/share/qemu/keymaps", "usr/share/seabios")
QEMU = "usr/libexec/xen-qemu-system-i386"
# Xen's loader, the BIOS that it starts, what starts a kernel from there, and a keyboard's letters.
FILES = {
    "xen-utils-4.17": ("usr/lib/xen-4.17/boot/hvmloader",),
    "seabios": ("usr/share/seabios/bios-256k.bin",),
    "qemu-system-data": ("usr/share/qemu/linuxboot.bin", "usr/share/qemu/linuxboot_dma.bin",
                         "usr/share/qemu/keymaps/en-us"),
}
LIBRARIES = (
    *xl.LIBRARIES, "libbz2-1.0", "libdw1", "libelf1", "libffi8", "libglib2.0-0",
    "libgstreamer-plugins-base1.0-0", "libgstreamer1.0-0", "libjpeg62-turbo", "liblz4-1",
    "libopus0", "liborc-0.4-0", "libpcre2-8-0", "libpixman-1-0", "libsasl2-2", "libspice-server1",
    "libssl3", "libstdc++6", "libudev1", "libunwind8", "libusb-1.0-0",
)


def device_model() -> list[cpio.Entry]:
    """Return the files that dom0 needs beside its own: see xl.machine."""
    qemu = debian.unpack(debian.fetch("qemu-system-xen")) / QEMU
    entries = [*map(cpio.directory, FOLDERS), cpio.program(QEMU, qemu.read_bytes())]
    for package, names in FILES.items():
        tree = debian.unpack(debian.fetch(package))
        entries += [cpio.Entry(name, (tree / name).read_bytes()) for name in names]
    return [*entries, *xl.with_libraries([qemu], LIBRARIES)]
