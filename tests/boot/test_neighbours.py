# Two guests share a page by a grant, and what becomes of a lender whose page is not given back.
"""The guest neighbours in both its roles, at the end of chapter grants and in the whole."""

import pytest

from pyhv import sentences as say
from pyhv.dom0 import Dom0

pytestmark = pytest.mark.grants

LENDER = 'create lender kernel=neighbours memory=16 cmdline="role=lender with=2{}"'
BORROWER = 'create borrower kernel=neighbours memory=16 cmdline="role=borrower with=1{}"'


@pytest.fixture
def household(boot, image, module):
    """Boot a chapter's image with the guest neighbours in its module; wait for dom0's shell."""

    def start(through: str | None = None) -> Dom0:
        archive = module("list\n", through=through, guests=("neighbours",))
        shell = Dom0(boot(image=image(through), module=archive, memory_mib=256))
        shell.wait_for_prompt()
        return shell

    return start


@pytest.mark.parametrize("through", ["grants", None])
def test_two_guests_share_one_page(household, through):
    dom0 = household(through)
    assert "lender is d1" in dom0.ask(LENDER.format(""))
    assert "borrower is d2" in dom0.ask(BORROWER.format(""))
    dom0.enter("lender")
    dom0.expect(r"lender: I promised d2 a page by reference 42")
    dom0.expect(r"lender: I hear 'your neighbour', and see that my page is (in use|free)")
    dom0.expect(r"lender: I took reference 42 back")
    dom0.leave()
    dom0.enter("borrower")
    dom0.expect(r"borrower: by handle 0 I read 'who is there\?'")
    dom0.expect(r"borrower: a copy says 'who is there\?'")
    dom0.expect(r"borrower: I gave it back")
    dom0.leave()


def test_a_lender_lingers_until_its_last_page_is_given_back(household):
    dom0 = household()
    dom0.ask(LENDER.format(""))
    dom0.ask(BORROWER.format(" keep=yes"))
    dom0.enter("borrower")
    dom0.expect(r"borrower: a copy says 'who is there\?'")
    dom0.leave()
    dom0.type("destroy lender")
    dom0.expect(r"d1 is dying, but d2 still has the page of its reference 42")
    dom0.expect(say.DOM0_PROMPT)
    dom0.type("destroy borrower")
    dom0.expect(r"d1 is gone\. Every frame of it is zero")


def test_a_page_that_is_used_anew_too_early_is_read_by_who_has_it(household):
    dom0 = household()
    dom0.ask(LENDER.format(" forgets=yes"))
    dom0.ask(BORROWER.format(" keep=yes"))
    dom0.enter("borrower")
    dom0.expect(r"borrower: by handle 0 I read 'who is there\?'")
    dom0.expect(r"borrower: now I read 'the password is 1234'")
    dom0.leave()


def test_what_is_mapped_to_read_cannot_be_written(household):
    dom0 = household()
    dom0.ask(LENDER.format(""))
    dom0.ask(BORROWER.format(" maps=ro"))
    dom0.enter("borrower")
    dom0.expect(r"borrower: by handle 0 I read 'who is there\?'")
    dom0.expect(r"borrower: I wrote an answer, and read ''")
    dom0.expect(r"borrower: I gave it back")
    dom0.leave()
