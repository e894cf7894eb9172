// Errors are values: either what was asked for, or one of Xen's error numbers.
#pragma once

#include <base/types.hpp>
#include <type_traits>
#include <utility>
#include <xen/errno.h>

namespace hv {

/// Xen's error numbers, as a guest sees them when negated: XEN_EINVAL and its kin.
using Errno = xen_errno;

/// The failed half of a Result: `return Error{XEN_EINVAL};`
struct [[nodiscard]] Error {
    Errno code;
};

/// What there is to say of a success that has no value.
struct Done {};

/// A value of T, or the error that stood in its way; Result<> is success, or an error.
/// T must be default constructible.
template <class T = Done>
class [[nodiscard]] Result {
public:
    constexpr Result()
        requires std::is_same_v<T, Done>
    = default;
    constexpr Result(T value) : value_{std::move(value)} {}
    constexpr Result(Error error) : error_{static_cast<int>(error.code)} {}

    constexpr bool ok() const { return error_ == 0; }
    explicit constexpr operator bool() const { return ok(); }

    /// The value; only after ok() has said yes.
    constexpr T& operator*() { return value_; }
    constexpr const T& operator*() const { return value_; }
    constexpr T* operator->() { return &value_; }
    constexpr const T* operator->() const { return &value_; }
    constexpr T take() { return std::move(value_); }

    constexpr Error error() const { return Error{static_cast<Errno>(error_)}; }
    constexpr T value_or(T fallback) const { return ok() ? value_ : fallback; }

private:
    T value_{};
    int error_ = 0;
};

/// The value of `expression`; or leaves the calling function with its error, if it has one.
#define TRY(expression)                                                                           \
    ({                                                                                            \
        auto tried = (expression);                                                                \
        if (!tried.ok()) [[unlikely]]                                                             \
            return tried.error();                                                                 \
        tried.take();                                                                             \
    })

}  // namespace hv
