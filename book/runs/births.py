# A Linux is born as a PV guest under real Xen 4.17, by Debian's own xl: what it says of itself.
import re

from pyhv import kernels, xl
from pyhv.emulator import Emulator

OVER = "it has lived"
WORTH_TELLING = ("ACPI in unprivileged", "Xen: [mem", "DMI not", "Hypervisor detected",
                 "No local APIC", "x86/PAT: MTRRs", "Booting kernel on", "Xen version")
SCRIPT = f"""
sed -e 's/type="pvh"/type="pv"/' /born.xl > /pv.xl
xl create /pv.xl
until grep -q 'Kernel panic' /var/log/xen/console/guest-born.log; do sleep 1; done
cat /var/log/xen/console/guest-born.log
echo {OVER}
"""

kernel = kernels.path_of(kernels.fetch_kernel("cloud-amd64"))
# It has no root file system: by then it has said what we want to hear
guest = xl.Guest("born", kernel, "earlyprintk=xen console=hvc0 loglevel=7", memory_mib=128)
with Emulator(xl.machine([guest], SCRIPT, "svm", name="births")) as xen:
    xen.expect(OVER, timeout=400)
    log = xen.log
print(re.search(r"Xen version [^)]*\)", log)[0])
for line in log.splitlines():
    said = re.sub(r"^(\(early\) )?\[ *[\d.]+\] ", "", line.strip())
    if said != line.strip() and said.startswith(WORTH_TELLING):
        print(said)
