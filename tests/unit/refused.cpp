#include "rankwire/typed.hpp"

// What must not compile: one case at a time, by -DCASE. tests/unit/refused.sh looks at what the
// compiler says.

struct WithoutMember {
  int value = 0;
};
struct Base {
  virtual ~Base() = default;
  template <class Archive>
  void serialize(Archive&) {}
};
struct WithoutDefault {
  explicit WithoutDefault(int with) : value{with} {}
  int value;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
struct ConstMember {
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive) const {
    archive(value);
  }
};
/// What is behind the pointer is not const.
struct Behind {
  std::unique_ptr<int> value = std::make_unique<int>();
  template <class Archive>
  void serialize(Archive& archive) const {
    archive(*value);
  }
};

/// How to compare or hash is in an object.
struct By {
  bool descending = false;
  bool operator()(int a, int b) const { return descending ? b < a : a < b; }
  std::size_t operator()(int a) const { return descending ? 1U : static_cast<std::size_t>(a); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(descending);
  }
};
struct Deleter {
  explicit Deleter(int with) : value{with} {}
  void operator()(int* object) const { delete object; }
  int value;
};
/// Neither copied nor moved.
struct Fixed {
  Fixed() = default;
  Fixed(const Fixed&) = delete;
  Fixed& operator=(const Fixed&) = delete;
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
rankwire::Channel& channel();
using Compare = bool (*)(int, int);

int main() {
#if CASE == 0  // this one compiles
  (void)rankwire::encode(ConstMember{});
  (void)rankwire::decode<Behind>(std::span<const std::byte>{});
  (void)rankwire::encode(std::set<std::vector<int>>{});
  (void)rankwire::encode(std::map<int, int, decltype([](int a, int b) { return b < a; })>{});
  (void)rankwire::decode<std::priority_queue<int, std::vector<int>, By>>(
      std::span<const std::byte>{});
  (void)rankwire::encode(std::unique_ptr<int, Deleter>{nullptr, Deleter{1}});
  (void)rankwire::encode(std::vector<std::atomic<int>>(3));
  (void)rankwire::decode<std::deque<std::atomic<int>>>(std::span<const std::byte>{});
  (void)rankwire::decode<std::unique_ptr<std::variant<int, Fixed>>>(std::span<const std::byte>{});
  (void)rankwire::decode<std::map<int, std::unique_ptr<std::tuple<int, Fixed>>>>(
      std::span<const std::byte>{});
#elif CASE == 1
  (void)rankwire::encode(WithoutMember{});
#elif CASE == 2
  (void)rankwire::encode(std::vector<WithoutMember>{});
#elif CASE == 3
  (void)rankwire::encode(std::unique_ptr<Base>{});
#elif CASE == 4
  (void)rankwire::decode<std::unique_ptr<Base>>(std::span<const std::byte>{});
#elif CASE == 5
  int value = 0;
  (void)rankwire::encode(&value);
#elif CASE == 6
  (void)rankwire::encode(1.0L);
#elif CASE == 7
  (void)rankwire::decode<std::vector<WithoutDefault>>(std::span<const std::byte>{});
#elif CASE == 8
  (void)rankwire::decode<std::map<int, WithoutMember>>(std::span<const std::byte>{});
#elif CASE == 9
  (void)rankwire::decode<int*>(std::span<const std::byte>{});
#elif CASE == 10
  (void)rankwire::decode<std::vector<ConstMember>>(std::span<const std::byte>{});
#elif CASE == 11
  (void)rankwire::encode(std::set<int, Compare>{});
#elif CASE == 12
  (void)rankwire::decode<std::multimap<int, int, By>>(std::span<const std::byte>{});
#elif CASE == 13
  (void)rankwire::encode(std::vector<std::unordered_multiset<int, By>>{});
#elif CASE == 14
  (void)rankwire::decode<std::unordered_map<int, int, std::hash<int>, Compare>>(
      std::span<const std::byte>{});
#elif CASE == 15
  struct Derived : std::set<int, By> {};
  (void)rankwire::encode(Derived{});
#elif CASE == 16
  (void)rankwire::encode(std::priority_queue<int, std::vector<int>, Compare>{});
#elif CASE == 17
  (void)rankwire::encode(std::unique_ptr<int[]>{});
#elif CASE == 18
  (void)rankwire::decode<std::vector<std::shared_ptr<int[]>>>(std::span<const std::byte>{});
#elif CASE == 19
  (void)rankwire::encode(std::shared_ptr<void>{});
#elif CASE == 20
  (void)rankwire::decode<std::unique_ptr<int, Deleter>>(std::span<const std::byte>{});
#elif CASE == 21
  (void)rankwire::decode<std::unique_ptr<int, void (*)(int*)>>(std::span<const std::byte>{});
#elif CASE == 22
  (void)rankwire::decode<std::vector<std::atomic<int>>>(std::span<const std::byte>{});
#elif CASE == 23
  (void)rankwire::decode<std::map<int, Fixed>>(std::span<const std::byte>{});
#elif CASE == 24
  (void)rankwire::decode<std::list<std::vector<std::tuple<int, Fixed>>>>(
      std::span<const std::byte>{});
#elif CASE == 25
  (void)rankwire::decode<std::tuple<int, Fixed>>(std::span<const std::byte>{});
#elif CASE == 26
  (void)rankwire::decode<std::variant<int, std::atomic<int>>>(std::span<const std::byte>{});
#elif CASE == 27
  (void)rankwire::decode<WithoutDefault>(std::span<const std::byte>{});
#elif CASE == 28
  (void)rankwire::recv<std::tuple<int, Fixed>>(channel(), 0, 0);
#elif CASE == 29
  (void)rankwire::try_recv<Fixed>(channel(), 0, 0, rankwire::Deadline::never());
#endif
}
