# Two guests share a page by a grant, and what becomes of a lender whose page is not given back.
"""The guest neighbours in both its roles, at the end of chapter grants and in the whole."""

import pytest

from pyhv import sentences as say
from pyhv.dom0 import Dom0

pytestmark = pytest.mark.grants


@pytest.fixture
def household(boot, image, module):
    """Boot a chapter's image with the guest neighbours in its module; wait for dom0's shell."""

    def start(through: str | None = None, engine: str = "svm") -> Dom0:
        archive = module("list\n", through=through, guests=("neighbours",))
        machine = boot(image=image(through), module=archive, memory_mib=256, engine=engine)
        shell = Dom0(machine)
        shell.wait_for_prompt()
        return shell

    return start


def create_both(dom0: Dom0, first: int, **more: str) -> None:
    """Create a lender, of that number, and a borrower, of the next one; each knows the other's."""
    for role, number, neighbour in ("lender", first, first + 1), ("borrower", first + 1, first):
        options = f"role={role} with={neighbour} {more.get(role, '')}"
        said = dom0.ask(f'create {role} kernel=neighbours memory=16 cmdline="{options}"')
        assert f"{role} is d{number}" in said


def share_a_page(dom0: Dom0, lender: int) -> None:
    create_both(dom0, lender)
    dom0.enter("lender")
    dom0.expect(rf"lender: I promised d{lender + 1} a page by reference 42")
    dom0.expect(r"lender: I hear 'your neighbour', and see that my page is (in use|free)")
    dom0.expect(r"lender: I took reference 42 back")
    dom0.leave()
    dom0.enter("borrower")
    dom0.expect(r"borrower: by handle 0 I read 'who is there\?'")
    dom0.expect(r"borrower: a copy says 'who is there\?'")
    dom0.expect(r"borrower: I gave it back")
    dom0.leave()


def outlive_the_lender(dom0: Dom0, lender: int) -> None:
    create_both(dom0, lender, borrower="keep=yes")
    dom0.enter("borrower")
    dom0.expect(r"borrower: a copy says 'who is there\?'")
    dom0.leave()
    dom0.type("destroy lender")
    dom0.expect(rf"d{lender} is dying, but d{lender + 1} still has the page of its reference 42")
    dom0.expect(say.DOM0_PROMPT)
    dom0.type("destroy borrower")
    dom0.expect(rf"d{lender} is gone\. Every frame of it is zero")


@pytest.mark.parametrize("through", ["grants", None])
def test_two_guests_share_one_page(household, through):
    share_a_page(household(through), 1)


def test_a_lender_lingers_until_its_last_page_is_given_back(household):
    outlive_the_lender(household(), 1)


def test_a_page_that_is_used_anew_too_early_is_read_by_who_has_it(household):
    dom0 = household()
    create_both(dom0, 1, lender="forgets=yes", borrower="keep=yes")
    dom0.enter("borrower")
    dom0.expect(r"borrower: by handle 0 I read 'who is there\?'")
    dom0.expect(r"borrower: now I read 'the password is 1234'")
    dom0.leave()


def test_what_is_mapped_to_read_cannot_be_written(household):
    dom0 = household()
    create_both(dom0, 1, borrower="maps=ro")
    dom0.enter("borrower")
    dom0.expect(r"borrower: by handle 0 I read 'who is there\?'")
    dom0.expect(r"borrower: I wrote an answer, and read ''")
    dom0.expect(r"borrower: I gave it back")
    dom0.leave()


def test_on_vmx_it_is_the_same(household):
    """Both in one boot: Bochs takes its time."""
    dom0 = household(engine="vmx")
    share_a_page(dom0, 1)
    for name in ("lender", "borrower"):
        dom0.ask(f"destroy {name}")
    outlive_the_lender(dom0, 3)
