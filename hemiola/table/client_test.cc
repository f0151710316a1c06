#include "hemiola/table/client.h"

#include <gtest/gtest.h>

#include <string>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// One worker on one node: nothing ever waits.
class AlonePort final : public WorkerPort {
 public:
  WorkerId worker() const override { return WorkerId{0}; }
  void post(Call&) override { FAIL() << "a worker alone needs nobody"; }
  void wait(Call&) override { FAIL() << "a worker alone waits for nobody"; }
  Instant now() override { return {}; }
  void spend(Duration) override {}
  void sleep(Duration) override {}
};

class ClientAlone : public testing::Test {
 protected:
  ClientAlone() : tables_({options("movies", 10, 3)}, {NodeId{0}, 1, 1}), client_(tables_, port_) {}

  static TableOptions options(const char* name, uint32_t rows, uint32_t length) {
    TableOptions table;
    table.spec = {name, rows, length, 0, {Initialiser::Kind::constant, 1, 0, 0, 0}};
    table.staleness = parse_staleness("bsp");
    return table;
  }

  template <class F>
  std::string mistake(F call) {
    try {
      call();
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  }

  AlonePort port_;
  TableSet tables_;
  Client client_;
  const TableId table_{0};
};

TEST_F(ClientAlone, What_is_pushed_is_pulled_and_repeated_keys_count_each_time) {
  const std::vector<Key> keys = {Key{2}, Key{2}, Key{5}};
  client_.push(table_, keys, std::vector<float>{1, 1, 1, 2, 2, 2, 0, 0, 4});
  std::vector<float> out(9);
  client_.pull(table_, keys, out);
  EXPECT_EQ(out, (std::vector<float>{4, 4, 4, 4, 4, 4, 1, 1, 5}));
  client_.tick();
  client_.barrier();
  EXPECT_EQ(client_.clock(), Clock{1});
}

TEST_F(ClientAlone, A_pull_may_be_waited_for_later_but_only_once) {
  const Key key{3};
  std::vector<float> out(3);
  const auto ticket = client_.pull_async(table_, {&key, 1}, out);
  client_.wait(ticket);
  EXPECT_EQ(out[0], 1);
  EXPECT_NE(mistake([&] { client_.wait(ticket); }), "");
}

TEST_F(ClientAlone, A_row_is_changed_in_place) {
  client_.row(table_, Key{9})[1] += 5;
  std::vector<float> out(3);
  const Key key{9};
  client_.pull(table_, {&key, 1}, out);
  EXPECT_EQ(out[1], 6);
}

TEST_F(ClientAlone, A_key_out_of_range_is_named_with_its_table) {
  const Key key{10};
  std::vector<float> out(3);
  EXPECT_EQ(mistake([&] {
              client_.pull(table_, {&key, 1}, out);
            }),
            "key 10 is out of range in table `movies`, which has 10 rows");
  EXPECT_NE(mistake([&] { client_.row(table_, key); }), "");
}

TEST_F(ClientAlone, A_wrong_length_says_how_long_the_rows_are) {
  const Key key{1};
  std::vector<float> out(4);
  EXPECT_EQ(mistake([&] {
              client_.pull(table_, {&key, 1}, out);
            }),
            "a pull of 4 floats for 1 rows of table `movies`: its rows have 3 floats each");
  EXPECT_NE(mistake([&] { client_.push(table_, {&key, 1}, out); }), "");
}

TEST_F(ClientAlone, An_unknown_table_is_an_error) {
  EXPECT_NE(mistake([&] { client_.row(TableId{1}, Key{0}); }), "");
  EXPECT_EQ(mistake([&] { tables_.find("films"); }), "there is no table `films` in this job");
  EXPECT_EQ(tables_.find("movies"), table_);
}

}  // namespace
}  // namespace hemiola
