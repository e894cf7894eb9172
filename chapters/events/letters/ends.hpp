// The two ends of a device `letters`: one asks, the other answers in capitals.
#pragma once

#include "letter.hpp"
#include "steps.hpp"

#include <kit/grants.hpp>

#include <memory>
#include <optional>

namespace letters {

/// What both ends have: a port, and how many letters they want of a device; 0: without an end.
class End : public Driver {
public:
    explicit End(BusEnd& bus) : bus_{bus} {}
    virtual ~End() = default;

    void became(BusState state) override;
    u32 port() const { return port_; } // 0: none
    /// Pages of ours that the other has not given back, now that we ask.
    virtual u32 pages_out() { return 0; }

protected:
    bool is_enough() const;
    void shut();

    BusEnd& bus_;
    u32 port_ = 0, count_ = 0;
};

class Front final : public End {
public:
    Front(BusEnd& bus, GrantTable& table);

    Result<> offer() override;
    Result<> connect() override;
    Result<Talk> talk() override;
    void let_go() override;
    u32 pages_out() override { return u32{!ring_page_.take_back()} + u32{!letter_.take_back()}; }

private:
    Result<> write_offer();
    Result<> ask();
    Result<> hear(const Reply& reply);

    LentPage ring_page_, letter_;
    std::optional<FrontRing<Letter, Reply>> ring_;
};

class Back final : public End {
public:
    using End::End;

    Result<> take_up() override;
    Result<Talk> talk() override;
    void let_go() override;

private:
    Reply answer(const Letter& letter);
    Result<> read_page(const Letter& letter, char (&text)[longest_text]);

    Window ring_page_, letter_;
    std::optional<BackRing<Letter, Reply>> ring_;
};

}  // namespace letters
