// A guest's memory, seen from dom0: given to it, mapped for a while, and written.
#pragma once

#include <kit/hypercall.hpp>
#include <kit/types.hpp>
#include <optional>

namespace dom0 {

using namespace kit;

/// Gives `count` frames to `domain` at `first`, in 2 MiB pieces where both ends allow it.
Result<> populate(u16 domain, Gfn first, u64 count);

/// Maps `count` frames of `domain` from `first` on, end to end, and never lets go of them. All must
/// be there. XEN_EINVAL, XEN_ESRCH.
Result<const u8*> map_for_good(u16 domain, Gfn first, u64 count);

/// One page of a guest that stays mapped here: a ring. It holds the guest's frame until it is gone.
class MappedPage {
public:
    static Result<MappedPage> map(u16 domain, Gfn frame);
    /// XENMEM_acquire_resource: frame `frame` of what the domain has beside its RAM (xen/memory.h).
    static Result<MappedPage> acquire(u16 domain, u16 kind, u32 id, u64 frame);

    MappedPage() = default;
    MappedPage(MappedPage&& other) : place_{other.place_} { other.place_ = Gfn{0}; }
    MappedPage& operator=(MappedPage&& other) {
        std::swap(place_, other.place_);
        return *this;
    }
    ~MappedPage();

    /// The page as a T, for sharing with the guest: it changes under our hands.
    template <class T> T* as() const { return reinterpret_cast<T*>(address_of(place_).value); }
    explicit operator bool() const { return place_.value != 0; }

private:
    Gfn place_{0};
};

/// Writes into a guest that does not run yet, through a window of at most 512 of its pages.
class GuestWriter {
public:
    explicit GuestWriter(u16 domain) : domain_{domain} {}
    ~GuestWriter() { close(); }
    GuestWriter(const GuestWriter&) = delete;
    GuestWriter& operator=(const GuestWriter&) = delete;

    /// Copies `bytes` to guest physical address `to`.
    Result<> write(Gpa to, std::span<const u8> bytes);
    Result<> zero(Gpa to, u64 count);

    template <class T> Result<> write_value(Gpa to, const T& value) {
        return write(to, {reinterpret_cast<const u8*>(&value), sizeof value});
    }

private:
    /// The bytes at `address` that one window holds, at most `wanted` of them.
    Result<std::span<u8>> reach(Gpa address, u64 wanted);
    Result<> open(Gfn first, u64 frames);
    void close();

    static constexpr u64 window_frames = 512;
    u16 domain_;
    Gfn first_{0};
    u64 open_frames_ = 0;
};

}  // namespace dom0
