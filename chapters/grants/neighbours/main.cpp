// neighbours: two guests and one page. One promises it by reference 42, the other maps it, answers
// in it, and gives it back; neither has anything else of the other's.
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/print.hpp>

using namespace kit;

namespace {

constexpr grant_ref_t reference = 42;
constexpr u16 used = GTF_reading | GTF_writing;

/// What the two say to each other. Who writes last sets the flag.
struct Page {
    char question[1024];
    char answer[1024];
    u32 answered;
};
alignas(page_size) Page own_page{};
alignas(page_size) Page copied{};

template <class T> T now(const T& word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }

void give_way() { (void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield); }

template <class T> long grant_op(u32 command, T& wish) {
    return hypercall(__HYPERVISOR_grant_table_op, command, address(&wish), 1);
}

[[noreturn]] void give_up(std::string_view why, s64 number) {
    print("neighbours: {}: {}\n", why, number);
    shut_down(Shutdown::crash);
}

u16 neighbour() {
    u64 id = 0;
    for (const char digit : guest().option("with"))
        id = id * 10 + u64(digit - '0');
    return u16(id);
}

/// The first frame of our grant table, where we can write.
grant_entry_v1_t* show_table() {
    const auto shown = show_page(XENMAPSPACE_grant_table);
    if (!shown) give_up("no grant table", s64(shown.error().code));
    return static_cast<grant_entry_v1_t*>(*shown);
}

/// A mistake: it has its answer, and does not wait until nobody else has the page.
void reuse() {
    memcpy(own_page.question + 1, "he password is 1234", 20);
    __atomic_store_n(own_page.question, 't', __ATOMIC_RELEASE);
    print("lender: the page is mine again, I think: I keep a password in it\n");
}

void lend() {
    grant_entry_v1_t& entry = show_table()[reference];
    memcpy(own_page.question, "who is there?", 14);
    entry.domid = neighbour();
    entry.frame = u32(address(&own_page) >> page_shift);
    __atomic_store_n(&entry.flags, u16{GTF_permit_access}, __ATOMIC_RELEASE);
    print("lender: I promised d{} a page by reference {}\n", entry.domid, reference);

    while (now(own_page.answered) == 0)
        give_way();
    print("lender: I hear '{}', and see that my page is {}\n",
          static_cast<const char*>(own_page.answer), now(entry.flags) & used ? "in use" : "free");
    if (guest().option("forgets") == "yes") return reuse();

    u16 idle = GTF_permit_access;
    while (!__atomic_compare_exchange_n(&entry.flags, &idle, u16{0}, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE)) {
        idle = GTF_permit_access;
        give_way();
    }
    print("lender: I took reference {} back\n", reference);
}

/// Maps the neighbour's page, as soon as it is promised.
gnttab_map_grant_ref_t map() {
    gnttab_map_grant_ref_t wish = {};
    wish.host_addr = take_address_space(1).value << page_shift;
    wish.flags = GNTMAP_host_map;
    if (guest().option("maps") == "ro") wish.flags |= GNTMAP_readonly;
    wish.ref = reference;
    wish.dom = neighbour();
    do {
        give_way();
        if (long failed = grant_op(GNTTABOP_map_grant_ref, wish); failed != 0)
            give_up("cannot map", failed);
    } while (wish.status == GNTST_general_error);
    if (wish.status != GNTST_okay) give_up("no such promise", wish.status);
    return wish;
}

/// The same page once more, without mapping it.
void copy() {
    gnttab_copy_t wish = {};
    wish.source.u.ref = reference;
    wish.source.domid = neighbour();
    wish.dest.u.gmfn = address(&copied) >> page_shift;
    wish.dest.domid = DOMID_SELF;
    wish.len = page_size;
    wish.flags = GNTCOPY_source_gref;
    long failed = grant_op(GNTTABOP_copy, wish);
    if (failed != 0 || wish.status != GNTST_okay) give_up("cannot copy", wish.status);
    print("borrower: a copy says '{}'\n", static_cast<const char*>(copied.question));
}

/// Does nothing with the page but to have it, and to look when it changes.
[[noreturn]] void keep(const Page& page) {
    while (now(page.question[0]) != 't')
        give_way();
    print("borrower: now I read '{}'\n", static_cast<const char*>(page.question));
    for (;;)
        give_way();
}

void borrow() {
    const gnttab_map_grant_ref_t mapped = map();
    Page& page = *reinterpret_cast<Page*>(mapped.host_addr);
    print("borrower: by handle {} I read '{}'\n", mapped.handle,
          static_cast<const char*>(page.question));
    copy();
    memcpy(page.answer, "your neighbour", 15);
    __atomic_store_n(&page.answered, 1, __ATOMIC_RELEASE);
    print("borrower: I wrote an answer, and read '{}'\n", static_cast<const char*>(page.answer));
    if (guest().option("keep") == "yes") keep(page);

    gnttab_unmap_grant_ref_t wish = {};
    wish.host_addr = mapped.host_addr;
    wish.handle = mapped.handle;
    long failed = grant_op(GNTTABOP_unmap_grant_ref, wish);
    if (failed != 0 || wish.status != GNTST_okay) give_up("cannot unmap", wish.status);
    print("borrower: I gave it back\n");
}

}  // namespace

/// Options: `role=lender|borrower`, `with=DOMAIN` (the neighbour's number); of a lender,
/// `forgets=yes` (uses its page anew without a look); of a borrower, `keep=yes` (never gives back),
/// and `maps=ro` (maps to read, and writes all the same).
void guest_main() {
    if (guest().option("role") == "lender")
        lend();
    else
        borrow();
    for (;;)  // until it is destroyed
        (void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_block);
}
