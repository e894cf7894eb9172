// The store's ring: moves bytes between a guest's shared page and its connection.
#pragma once

#include "store.hpp"

#include <kit/console_ring.hpp>

namespace dom0 {

/// Whether what the guest says it has written, and read, can be.
inline bool is_sound(const xenstore_domain_interface& ring) {
    return load_index(ring.req_prod) - ring.req_cons <= XENSTORE_RING_SIZE &&
           ring.rsp_prod - load_index(ring.rsp_cons) <= XENSTORE_RING_SIZE;
}

/// Reads what the guest has sent, serves it, and writes what fits of the answers. Returns true when
/// anything moved: the guest is then owed a doorbell. A guest that breaks the rules is told so in
/// the ring, and is not heard again.
inline bool pump(Store& store, Connection& client, xenstore_domain_interface& ring) {
    if (!client.broken && !is_sound(ring)) {
        client.broken = true;
        ring.error = XENSTORE_ERROR_RINGIDX;
    }
    if (client.broken) {
        if (ring.error == XENSTORE_ERROR_NONE) ring.error = XENSTORE_ERROR_PROTO;
        return false;
    }
    size_t count = 0;
    char bytes[XENSTORE_RING_SIZE];
    if (client.output.size() < Connection::most_output)
        count = ring_get(ring.req, ring.req_prod, ring.req_cons, bytes);
    client.input.append(bytes, count);
    store.serve(client);
    size_t written = ring_put(ring.rsp, ring.rsp_prod, ring.rsp_cons, client.output);
    client.output.erase(0, written);
    return count + written > 0;
}

}  // namespace dom0
