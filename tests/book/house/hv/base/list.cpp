// A fixture: definitions away from their declarations.
#include <base/list.hpp>

namespace hv {

namespace {
int helper(int value) { return value + 1; }
}  // namespace

int List::longest(int limit) const {
    // Nothing is longer than the list.
    if (limit > size_) {
        limit = size_;
    }

    // Nothing is shorter than nothing.
    if (limit < 0)
        return 0;
    return limit;
}

int add(int value) { return helper(value) + total(List{value}); }
int add(long value) { return helper(static_cast<int>(value)); }

}  // namespace hv
