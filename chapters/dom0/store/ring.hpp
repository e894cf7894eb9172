// The store's ring: moves bytes between a guest's shared page and its connection.
#pragma once

#include "store.hpp"

#include <kit/console_ring.hpp>

namespace dom0 {

/// Reads what the guest has sent, serves it, and writes what fits of the answers. Returns true when
/// anything moved: the guest is then owed a doorbell.
inline bool pump(Store& store, Connection& client, xenstore_domain_interface& ring) {
    size_t moved = 0;
    char bytes[XENSTORE_RING_SIZE];
    if (client.broken) {
        ring.error = XENSTORE_ERROR_PROTO;
        return false;
    }
    bool room = client.output.size() < Connection::most_output;
    size_t count = room ? ring_get(ring.req, ring.req_prod, ring.req_cons, bytes) : 0;
    client.input.append(bytes, count);
    moved += count;
    store.serve(client);
    count = ring_put(ring.rsp, ring.rsp_prod, ring.rsp_cons, client.output);
    client.output.erase(0, count);
    return moved + count > 0;
}

}  // namespace dom0
