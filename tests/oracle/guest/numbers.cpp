// Every number of the hypercall page with zeros for arguments, and numbers beyond it.
#include "ask.hpp"
#include "attempt.hpp"

namespace oracle {

void ask_numbers() {
    for (u32 number = 0; number < 64; number++) {
        const Attempt attempt = try_hypercall(number);
        const Told told = attempt.fine() ? Told{static_cast<long>(attempt.value)}
                                         : Told{name_of(attempt)};
        tell("numbers.all zero", words("{}", number), told);
    }
}

}  // namespace oracle
