# A Linux is born as an HVM guest under real Xen 4.17, by Debian's own xl: firmware, then kernel.
import re

from pyhv import kernels, xl, xl_hvm
from pyhv.emulator import Emulator

OVER = "it has lived"
FIRMWARE = ("HVM Loader", "Detected Xen", "System requested", "PCI-ISA link 0", "pci dev 01:1",
            "Writing SMBIOS", "Loading SeaBIOS", "Loading ACPI", "Invoking SeaBIOS",
            "SeaBIOS (version", "ATA controller 1", "PS2 keyboard", "Booting from ROM")
KERNEL = ("BIOS-e820", "DMI:", "Hypervisor detected", "Xen version")
SCRIPT = f"""
cat > /hvm.xl <<END
name="born"
type="hvm"
kernel="/born.kernel"
cmdline="console=ttyS0 earlyprintk=ttyS0"
memory=128
vnc=0
vga="none"
serial="file:/serial.log"
END
xl create /hvm.xl
until grep -q 'Xen version' /serial.log; do sleep 1; done
xl dmesg
cat /serial.log
echo {OVER}
"""


def told(lines: list[str], begin: str, worth: tuple[str, ...]) -> list[str]:
    """Return what lines that begin so say, where it is worth telling, once each."""
    said = [re.sub(begin, "", line.strip()) for line in lines if re.match(begin, line.strip())]
    return list(dict.fromkeys(words for words in said if words.startswith(worth)))


guest = xl.Guest("born", kernels.path_of(kernels.fetch_kernel("cloud-amd64")))
with Emulator(xl.machine([guest], SCRIPT, "svm", name="hvm-birth", options="guest_loglvl=all",
                         more=xl_hvm.device_model(), memory_mib=1536)) as xen:
    xen.expect(OVER, timeout=600)
    log = xen.log.splitlines()
print("== firmware")
print("\n".join(told(log, r"\(d1\) ", FIRMWARE)))
print("== kernel")
print("\n".join(told(log, r"\[ *[\d.]+\] ", KERNEL)))
