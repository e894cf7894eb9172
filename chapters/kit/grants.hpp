// Grants, both ends: a page of ours that another domain may use, and a page of another's that we
// use.
#pragma once

#include "types.hpp"
#include "xen.hpp"

namespace kit {

/// The first frame of this guest's grant table, in its form of version 1 (xen/grant_table.h).
class GrantTable {
public:
    /// Has Xen show the table to us.
    Result<> open();

    /// Promises `domain` the page at `page`. XEN_ENOSPC: no reference is free.
    Result<grant_ref_t> promise(u16 domain, const void* page, bool read_only);
    /// Takes the promise back. False: the other still uses the page, and so its reference.
    bool take_back(grant_ref_t reference);

private:
    static constexpr u32 size = page_size / sizeof(grant_entry_v1_t);
    grant_entry_v1_t* entries_ = nullptr;
    grant_ref_t next_ = GNTTAB_NR_RESERVED_ENTRIES;
};

/// A page of ours that one other domain may use. It is used anew only once it is ours again: what
/// the other does not give back stays lent for as long as it likes, and costs us that page.
class LentPage {
public:
    explicit LentPage(GrantTable& table);
    ~LentPage();
    LentPage(const LentPage&) = delete;
    LentPage& operator=(const LentPage&) = delete;

    Result<> lend(u16 domain, bool read_only);
    /// True when it is ours, again or still.
    bool take_back();

    bool is_lent() const { return reference_ != 0; }
    grant_ref_t reference() const { return reference_; }
    template <class T> T& as() { return *static_cast<T*>(page_); }

private:
    GrantTable& table_;
    void* page_;
    grant_ref_t reference_ = 0;
};

/// A place in our address space for one page of another domain's.
class Window {
public:
    Window();
    ~Window() { close(); }
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    /// Maps the page that `domain` promised by `reference`. XEN_EACCES: it did not.
    Result<> open(u16 domain, grant_ref_t reference, bool read_only);
    /// Gives it back; closed already, it stays so.
    void close();

    bool is_open() const { return is_open_; }
    template <class T> T& as() { return *reinterpret_cast<T*>(place_); }

private:
    u64 place_;
    grant_handle_t handle_ = 0;
    bool is_open_ = false;
};

}  // namespace kit
