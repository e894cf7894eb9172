// A guest takes a row back while we take it up: all orders in which their steps can fall, tried.
#include <cstdio>
#include <functional>
#include <vector>

namespace {

constexpr unsigned permit = 1, in_use = 8;

/// A row, what each side has read of it, and what each believes in the end.
struct World {
    unsigned row = permit, status = 0;   // status: of version 2, a word of its own
    unsigned guest_read = 0, our_read = 0;
    bool guest_has_it_back = false, we_map = false, refused = false;
};
using Steps = std::vector<std::function<void(World&)>>;

bool exchange(unsigned& word, unsigned expected, unsigned wanted) {
    if (word != expected)
        return false;
    word = wanted;
    return true;
}

/// Lets both go on from here in every order, and counts what comes of it.
void try_all(World world, const Steps& guest, size_t g, const Steps& us, size_t u,
             unsigned& orders, unsigned& both) {
    if (g == guest.size() && u == us.size()) {
        ++orders;
        both += world.guest_has_it_back && world.we_map;
        return;
    }
    if (g < guest.size()) {
        World next = world;
        guest[g](next);
        try_all(next, guest, g + 1, us, u, orders, both);
    }
    if (u < us.size()) {
        us[u](world);
        try_all(world, guest, g, us, u + 1, orders, both);
    }
}

void tell(const char* design, const Steps& guest, const Steps& us) {
    unsigned orders = 0, both = 0;
    try_all({}, guest, 0, us, 0, orders, both);
    std::printf("%s, orders: %u\n%s, both have the page: %u\n", design, orders, design, both);
}

}  // namespace

int main() {
    const auto guest_reads = [](World& w) { w.guest_read = w.row; };
    const auto we_read = [](World& w) { w.our_read = w.row; };
    const auto we_map = [](World& w) { w.we_map = !w.refused; };

    tell("one word, stored",
         {guest_reads, [](World& w) {
              if (w.guest_has_it_back = (w.guest_read & in_use) == 0; w.guest_has_it_back)
                  w.row = 0;
          }},
         {we_read, [](World& w) {
              if (w.refused = (w.our_read & permit) == 0; !w.refused)
                  w.row = w.our_read | in_use;
          }, we_map});

    tell("one word, exchanged",
         {guest_reads, [](World& w) {
              w.guest_has_it_back =
                  (w.guest_read & in_use) == 0 && exchange(w.row, w.guest_read, 0);
          }},
         {we_read, [](World& w) {
              w.refused = (w.our_read & permit) == 0 ||
                          !exchange(w.row, w.our_read, w.our_read | in_use);
          }, we_map});

    const Steps takes_back{[](World& w) { w.row = 0; },
                           [](World& w) { w.guest_has_it_back = w.status == 0; }};
    const auto we_ask = [](World& w) { w.refused = (w.row & permit) == 0; };
    const auto we_mark = [](World& w) { w.status |= w.refused ? 0 : in_use; };
    tell("two words, we read once", takes_back, {we_ask, we_mark, we_map});
    const Steps both_looks{we_ask, we_mark, we_ask, we_map};
    tell("two words, we read again", takes_back, both_looks);
    tell("two words, the guest looks first",
         {[](World& w) { w.guest_has_it_back = w.status == 0; }, [](World& w) { w.row = 0; }},
         both_looks);
}
