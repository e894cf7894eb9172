// The domains that dom0 has made: birth, conversation, end.
#include "household.hpp"

#include "../shell/words.hpp"
#include "../store/ring.hpp"

#include <kit/events.hpp>
#include <kit/print.hpp>

namespace dom0 {

/// dom0 stands in its own store, by the names that Xen's toolstack gives it.
Household::Household() {
    store_.write("/local/domain/0/name", "Domain-0");
    store_.write("/local/domain/0/domid", "0");
}

Result<u16> Household::create(Order order, std::string& why) {
    auto domain = std::make_unique<Domain>();
    domain->order = std::move(order);
    Builder builder{domain->order};
    auto newborn = builder.build();
    if (!newborn) {
        why =
            std::string{builder.failed_step()} + ": " + std::string{describe(newborn.error().code)};
        return newborn.error();
    }
    domain->link = std::move(*newborn);
    std::erase_if(domains_,
                  [&](auto& old) { return old->gone && old->order.name == domain->order.name; });
    domains_.push_back(std::move(domain));
    introduce(*domains_.back());
    auto started = unpause_domain(domains_.back()->id());
    if (!started) {
        why = "starting it: " + std::string{describe(started.error().code)};
        (void)destroy(*domains_.back());
        return started.error();
    }
    return domains_.back()->id();
}

Result<> Household::destroy(Domain& domain) {
    std::string unheard;
    if (domain.link.console)
        domain.console.pump(*domain.link.console.as<xencons_interface>(), unheard);
    u16 id = domain.id();
    forget(domain);
    return destroy_domain(id);
}

Result<u16> Household::rebuild(Domain& domain, std::string& why) {
    Order order = domain.order;
    TRY(destroy(domain));
    return create(std::move(order), why);
}

void Household::request(Domain& domain, std::string_view how) {
    store_.write("/local/domain/" + decimal(domain.id()) + "/control/shutdown", how);
}

Domain* Household::find(std::string_view name) {
    for (auto& domain : domains_)
        if (domain->order.name == name) return domain.get();
    auto id = parse_number(name);
    return id && *id < 0x7ff0 ? find(u16(*id)) : nullptr;
}

Domain* Household::find(u16 id) {
    for (auto& domain : domains_)
        if (!domain->gone && domain->id() == id) return domain.get();
    return nullptr;
}

bool Household::listen(Domain& domain, u16 listened, std::string& said) {
    std::string unheard;
    auto* ring = domain.link.console.as<xencons_interface>();
    bool spoke = domain.console.pump(*ring, domain.id() == listened ? said : unheard);
    if (spoke && domain.link.console_port != 0) send_event(domain.link.console_port);
    return spoke;
}

bool Household::pump(u16 listened, std::string& said) {
    bool any = false;
    for (auto& domain : domains_) {
        if (domain->gone) continue;
        auto& link = domain->link;
        bool spoke = listen(*domain, listened, said);
        bool served = false;
        if (Connection* client = store_.find(domain->id()))
            served = dom0::pump(store_, *client, *link.store.as<xenstore_domain_interface>());
        if (served && link.store_port != 0) send_event(link.store_port);
        any = any || spoke || served;
    }
    return any;
}

void Household::reap(u16 listened, std::string& said, std::string& news) {
    // Rebuilding a domain changes the list: walk over its numbers, not over the list itself.
    std::vector<u16> living;
    for (auto& domain : domains_)
        if (!domain->gone && !domain->crashed) living.push_back(domain->id());
    for (u16 id : living) {
        auto info = domain_info(id);
        bool same = info.ok() && info->domain == id;
        if (!same || (info->flags & XEN_DOMINF_shutdown) == 0) continue;
        // Its last words may have come since the last look
        listen(*find(id), listened, said);
        ended(*find(id), info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, news);
    }
}

void Household::ended(Domain& domain, u32 reason, std::string& news) {
    std::string name = domain.order.name + " (d" + decimal(domain.id()) + ")";
    std::string why;
    switch (reason) {
    case SHUTDOWN_reboot: {
        auto reborn = rebuild(domain, why);
        news +=
            name + " rebooted: " + (reborn ? "it is d" + decimal(*reborn) + " now" : why) + "\n";
        return;
    }
    case SHUTDOWN_crash:
        domain.crashed = true;
        store_.crashed();
        news +=
            name + " crashed: it is kept as it fell; destroy " + domain.order.name + " frees it\n";
        return;
    default: (void)destroy(domain); news += name + " powered off\n";
    }
}

void Household::forget(Domain& domain) {
    store_.disconnect(domain.id());
    store_.remove("/local/domain/" + decimal(domain.id()));
    if (domain.link.console_port != 0) close_port(domain.link.console_port);
    if (domain.link.store_port != 0) close_port(domain.link.store_port);
    domain.link = {};
    domain.gone = true;
}

/// What Linux's xenbus expects to find when it looks around, with xl's own names and permissions.
void Household::introduce(Domain& domain) {
    auto& link = domain.link;
    u16 id = link.id;
    std::string home = "/local/domain/" + decimal(id);
    std::string memory_kib = decimal(u64{domain.order.memory_mib} * 1024);
    auto put = [&](std::string_view path, std::string_view value) {
        store_.write(home + std::string{path}, value);
    };
    store_.write(home, "");
    store_.set_permissions(home, {{0, false, false}, {id, true, false}});
    put("/name", domain.order.name);
    put("/domid", decimal(id));
    put("/memory/static-max", memory_kib);
    put("/memory/target", memory_kib);
    put("/console/ring-ref", decimal(console_frame.value));
    put("/console/port", decimal(link.guest_console_port));
    put("/console/type", "xenconsoled");
    put("/store/ring-ref", decimal(store_frame.value));
    put("/store/port", decimal(link.guest_store_port));
    for (u32 vcpu = 0; vcpu < domain.order.vcpus; vcpu++)
        put("/cpu/" + decimal(vcpu) + "/availability", "online");

    // These the guest may write itself.
    for (std::string_view own :
         {"/control/shutdown", "/control/feature-poweroff", "/control/feature-reboot",
          "/control/feature-suspend", "/control/sysrq", "/device", "/data", "/drivers", "/feature",
          "/attr"}) {
        put(own, "");
        store_.set_permissions(home + std::string{own}, {{id, false, false}});
    }
    store_.connect(id);
}

}  // namespace dom0
