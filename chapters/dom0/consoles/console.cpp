// A guest's console as dom0 keeps it.
#include "console.hpp"

#include <algorithm>

namespace dom0 {

bool Console::pump(xencons_interface& ring, std::string& said) {
    // One look takes at most one ring's worth: a guest that writes for ever gets no more than that.
    char bytes[sizeof ring.out];
    size_t heard = host_get(ring, bytes);
    size_t text = size_t(std::remove(bytes, bytes + heard, '\0') - bytes);
    said.append(bytes, text);
    words_.append(bytes, text);
    said_ += text;
    if (words_.size() > kept + kept / 4) words_.erase(0, words_.size() - kept);

    size_t given = host_put(ring, typed_);
    typed_.erase(0, given);
    return heard + given > 0;
}

bool Console::type(char letter) {
    if (typed_.size() >= most_typed) return false;
    typed_.push_back(letter);
    return true;
}

}  // namespace dom0
