// The two ends of a device `letters`: one asks, the other answers in capitals.
#pragma once

#include "letter.hpp"
#include "steps.hpp"

#include <kit/grants.hpp>

#include <optional>

namespace letters {

/// What both ends have: a port, and how many letters they want of a device. An end can be told to
/// lie: `lie=state` for both; `reference`, `port` and `producer` for a front; `producer` and
/// `keep`, which gives no page back, for a back.
class End : public Driver {
public:
    explicit End(BusEnd& bus) : bus_{bus} {}
    virtual ~End() = default;

    void became(BusState state) override;
    u32 port() const { return port_; } // 0: none
    /// Pages that stand between this end and its rest: ours that the other has not given back, now
    /// that we ask, and the other's that we keep.
    virtual u32 pages_out() = 0;

protected:
    static u32 wanted();
    static bool lies(std::string_view how);
    bool is_over() const;
    void run_away(u32& producer) const;
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
    u32 pages_out() override { return u32{ring_page_.is_open()} + u32{letter_.is_open()}; }

private:
    Reply answer(const Letter& letter);
    Result<> read_page(const Letter& letter, char (&text)[longest_text]);

    Window ring_page_, letter_;
    std::optional<BackRing<Letter, Reply>> ring_;
};

}  // namespace letters
