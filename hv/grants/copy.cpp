// GNTTABOP_copy: bytes from one page to another, each the caller's own or one that was promised.
#include <domains/calls.hpp>
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>
#include <grants/trace.hpp>

namespace hv {
namespace {

/// gnttab_copy.
template <class Long>
struct CopyWish {
    struct End {
        Long page;  ///< a reference, or a frame number of the caller's own
        DomainId domain;
        u16 offset;
    };
    End source, dest;
    u16 length, flags;
    s16 status;

    auto fields() {
        return std::tie(source.page, source.domain, source.offset, dest.page, dest.domain,
                        dest.offset, length, flags);
    }
};
static_assert(sizeof(CopyWish<u64>) == sizeof(gnttab_copy_t) && sizeof(CopyWish<u32>) == 24);

/// One end of a copy: its page, kept in being while this lives.
class CopyEnd {
public:
    CopyEnd(Call& call, const CopyWish<u64>::End& wish, bool by_reference, bool write)
        : caller_{call.domain}, wish_{wish}, by_reference_{by_reference}, write_{write},
          domain_{is_own() ? DomainRef{} : named_domain(call, wish.domain)} {}
    [[gnu::always_inline]] inline ~CopyEnd() noexcept(false);
    CopyEnd(const CopyEnd&) = delete;

    /// Whether there is such a domain, and its pages can be named so.
    GrantStatus check() const;
    [[gnu::always_inline]] inline GrantStatus hold();
    /// True when the promise covers `length` bytes from the offset that was wished.
    bool covers(u32 length) const {
        return !page_.partial ||
               (wish_.offset >= page_.start && wish_.offset + length <= page_.end);
    }
    u8* at() const { return caller_.machine.memory.at(page_.frame) + wish_.offset; }

private:
    /// A page of the caller's, by its frame number: nobody need be found.
    bool is_own() const { return !by_reference_ && wish_.domain == DOMID_SELF; }
    [[gnu::always_inline]] inline GrantStatus hold_promised();
    [[gnu::noinline]] GrantStatus hold_passed_on();
    [[gnu::noinline]] void let_go_passed_on() { unpin(*next_, page_.next_ref, write_); }

    Domain& caller_;
    const CopyWish<u64>::End& wish_;
    const bool by_reference_, write_;
    DomainRef domain_;    ///< whose page it is, or who passes on another's; empty: the caller's
    DomainRef next_{};    ///< whose that is
    PinnedPage page_{};
    bool held_ = false;
};

GrantStatus CopyEnd::check() const {
    if (is_own())
        return GNTST_okay;
    if (!domain_)
        return GNTST_bad_domain;
    if (!by_reference_)
        return GNTST_permission_denied;
    return GNTST_okay;
}

GrantStatus CopyEnd::hold() {
    if (by_reference_)
        return hold_promised();
    const Result<Mfn> frame = caller_.p2m.hold_own(Gfn{wish_.page}, caller_.id, write_);
    if (!frame.ok())
        return GNTST_bad_page;
    page_.frame = *frame;
    held_ = true;
    return GNTST_okay;
}

GrantStatus CopyEnd::hold_promised() {
    const auto ref = static_cast<GrantRef>(wish_.page);
    const PinWish wish{.ref = ref, .holder = caller_.id, .write = write_, .map = false};
    if (const auto status = pin(*domain_, wish, page_); status != GNTST_okay)
        return status;
    held_ = true;
    if (page_.transitive)
        return hold_passed_on();
    return GNTST_okay;
}

/// A promise of what somebody else promised to that domain. One step, as on Xen.
GrantStatus CopyEnd::hold_passed_on() {
    DomainRef next = hv::find_domain(caller_.machine, page_.next);
    if (!next || page_.next == domain_->id)
        return GNTST_general_error;
    PinnedPage behind;
    const PinWish passed_on{page_.next_ref, domain_->id, write_, false};
    if (const auto status = pin(*next, passed_on, behind); status != GNTST_okay)
        return status;
    if (behind.transitive) {
        unpin(*next, page_.next_ref, write_);
        return GNTST_general_error;
    }
    next_ = std::move(next);
    page_.frame = behind.frame;
    page_.start = behind.start;
    page_.end = behind.end;
    return GNTST_okay;
}

CopyEnd::~CopyEnd() noexcept(false) {
    if (next_) [[unlikely]]
        let_go_passed_on();
    if (!held_)
        return;
    if (by_reference_)
        unpin(*domain_, static_cast<GrantRef>(wish_.page), write_);
    else
        end_use(caller_.machine, page_.frame);
}

GrantStatus copy_one(Call& call, const CopyWish<u64>& wish) {
    const u32 length = wish.length;
    CopyEnd source{call, wish.source, (wish.flags & GNTCOPY_source_gref) != 0, false};
    CopyEnd dest{call, wish.dest, (wish.flags & GNTCOPY_dest_gref) != 0, true};
    GrantStatus status = source.check();
    if (status == GNTST_okay)
        status = dest.check();
    if (status == GNTST_okay)
        status = source.hold();
    if (status == GNTST_okay)
        status = dest.hold();
    if (status != GNTST_okay)
        return status;
    if (wish.source.offset + length > page_size || wish.dest.offset + length > page_size)
        return GNTST_bad_copy_arg;
    if (!source.covers(length) || !dest.covers(length))
        return GNTST_general_error;
    __builtin_memmove(dest.at(), source.at(), length);
    trace(call.cpu, grant_copied, call.domain.id, call.vcpu.id, call.domain.id, length);
    return GNTST_okay;
}

template <class Long>
Answer copy_each(Call& call) {
    using Wish = CopyWish<Long>;
    return each_item(call, sizeof(Wish), [&](u64 address) -> Result<> {
        CopyWish<u64> wish;
        TRY(read_layout(call, address, wish));
        return call.write_back(address + offsetof(Wish, status), copy_one(call, wish));
    });
}

}  // namespace

Answer copy_grants(Call& call) {
    return call.wide ? copy_each<u64>(call) : copy_each<u32>(call);
}

}  // namespace hv
