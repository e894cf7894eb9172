// The frame table: one row for each 4 KiB frame of the machine, and the allocator over it.
#pragma once

#include <base/result.hpp>
#include <base/spinlock.hpp>

namespace hv {

/// All of physical memory, as the hypervisor sees it at a fixed distance. Hosted: a block of the
/// process's memory that plays the machine's.
class PhysicalMemory {
public:
    constexpr PhysicalMemory() = default;
    constexpr PhysicalMemory(u8* base, u64 size) : base_{base}, size_{size} {}

    /// Where the hypervisor sees machine address `address`; it must be below size().
    u8* at(Mpa address) const { return base_ + address.value; }
    u8* at(Mfn frame) const { return at(address_of(frame)); }
    template <class T>
    T* as(Mpa address) const { return reinterpret_cast<T*>(at(address)); }
    Mpa address_of_pointer(const void* pointer) const {
        return Mpa{static_cast<u64>(static_cast<const u8*>(pointer) - base_)};
    }
    u64 size() const { return size_; }

private:
    u8* base_ = nullptr;
    u64 size_ = 0;  ///< bytes: the end of the highest RAM
};

/// Domain numbers from here on are not guests (Xen's public header calls 0x7FF0 and up reserved).
inline constexpr DomainId owner_nobody = 0x7ffe;      ///< free, or never RAM
inline constexpr DomainId owner_hypervisor = 0x7ffd;

enum class FrameState : u8 {
    absent,      ///< not RAM, or kept by firmware
    used,        ///< owned: see owner
    walked,      ///< likewise, and some pCPU may remember a walk of a guest's tables by it
    free_inside, ///< within a free block
    free,        ///< scrubbed, in a free list (the first frame of its block)
    unscrubbed,  ///< likewise, but holding what firmware left
};

/// One frame's row: 16 bytes for each 4 KiB, which is 0.39% of RAM.
struct FrameRow {
    u32 next = 0, previous = 0;  ///< links by frame number: free lists, a domain's list of frames
    u32 uses = 0;                ///< references: p2m entries and foreign mappings; 0 means idle
    DomainId owner = owner_nobody;
    u8 order = 0;                ///< of the free block, or of the allocation, that begins here
    FrameState state = FrameState::absent;
};
static_assert(sizeof(FrameRow) == 16);

/// The machine's frames: a buddy allocator of blocks of 2^0 to 2^18 frames (4 KiB to 1 GiB).
/// Every frame that is given out is zeroed, so that nothing of its last owner can be read by the
/// next: it is scrubbed when it comes back, and what firmware left when it is first taken.
class FrameTable {
public:
    static constexpr u8 max_order = 18;

    /// The table is the `frame_count` rows at `rows`, as they are made: every frame is absent until
    /// add() names it. Rows of frames that never are RAM are only read.
    void lay_out(const PhysicalMemory& memory, FrameRow* rows, u64 frame_count);
    /// Gives the allocator the RAM frames [first, first + count), as firmware left them.
    void add(Mfn first, u64 count);

    /// 2^order zeroed frames, aligned to their size, for `owner`. XEN_ENOMEM when there is no such
    /// block.
    Result<Mfn> take(DomainId owner, u8 order = 0);
    /// Takes exactly [first, first + count) out of the free blocks; XEN_EBUSY when any is not free.
    Result<> take_range(DomainId owner, Mfn first, u64 count);
    /// Scrubs 2^order frames and makes them free. The caller proves that nobody can reach them.
    void give_back(Mfn first, u8 order = 0);

    bool is_ram(Mfn frame) const;
    FrameRow& row(Mfn frame) { return rows_[frame.value]; }
    const FrameRow& row(Mfn frame) const { return rows_[frame.value]; }
    u64 frame_count() const { return frame_count_; }
    u64 free_count() const { return free_count_; }
    u64 ram_count() const { return ram_count_; }

private:
    Mfn block_around(Mfn frame) const;
    void claim(Mfn block, u64 from, u64 to, DomainId owner);
    void link(Mfn block, u8 order, FrameState state);
    void unlink(Mfn block);
    void link_stretch(u64 from, u64 to, FrameState state);
    void join_and_link(Mfn block, u8 order);
    void mark(Mfn first, u64 count, DomainId owner, FrameState state);
    void scrub(Mfn first, u64 count);

    const PhysicalMemory* memory_ = nullptr;
    FrameRow* rows_ = nullptr;
    u64 frame_count_ = 0, free_count_ = 0, ram_count_ = 0;
    u32 heads_[max_order + 1] = {};  ///< first block of each order; 0 for none: frame 0 is never
                                     ///< RAM here
    mutable Spinlock lock_{LockRank::frames};
};

}  // namespace hv
