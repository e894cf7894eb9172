// A fixture: one of each kind of symbol that the book can quote.
#pragma once

#include <base/order.hpp>

#define FIXTURE_SIZE 4

namespace hv {

using Number = unsigned;
inline constexpr Number first_number = 1;
inline constexpr Number second_number = 2;

enum class Colour { red, green };

template <class T>
concept Countable = requires(T t) { t.count(); };

/// A list that can be counted.
class List {
public:
    explicit List(int size) : size_{size} {}

    /// How many there are.
    int count() const { return size_; }

    int longest(int limit) const;

    struct Node {
        int value;
    };

private:
    int size_;
};

static_assert(sizeof(List) == sizeof(int));

/// Adds one.
int add(int value);
int add(long value);

template <Countable C>
[[nodiscard]]
int total(const C& counted) {
    return counted.count();
}

extern "C" void switch_worlds();

}  // namespace hv
