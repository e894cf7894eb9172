// Objects of the hypervisor's own that live in whole frames: domains, vCPUs, what chapters furnish.
#pragma once

#include <bit>
#include <boot/machine.hpp>
#include <new>

namespace hv {

/// The order of the block that holds a T.
template <class T>
constexpr u8 order_of() {
    return static_cast<u8>(std::bit_width((sizeof(T) - 1) >> page_shift));
}

/// A new T in frames of the machine's, built from `arguments`. XEN_ENOMEM.
template <class T, class... Arguments>
Result<T*> make(Machine& machine, Arguments&&... arguments) {
    const Result<Mfn> block = machine.frames.take(owner_hypervisor, order_of<T>());
    TRY(block);
    return new (machine.memory.at(*block)) T(std::forward<Arguments>(arguments)...);
}

/// Ends a T that make() made, and gives its frames back. `object` may be nullptr.
template <class T>
void unmake(Machine& machine, T* object) {
    if (object == nullptr)
        return;
    object->~T();
    machine.frames.give_back(frame_of(machine.memory.address_of_pointer(object)), order_of<T>());
}

}  // namespace hv
