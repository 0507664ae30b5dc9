#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "rankwire/typed.hpp"

// Classes that the tests send.

struct Point {
  std::int32_t x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

struct Task {
  std::int64_t id = 0;
  std::string name;
  std::vector<double> weights;
  std::vector<Point> points;
  std::map<std::string, std::vector<std::string>> notes;
  std::optional<Point> origin;
  std::variant<std::monostate, std::int32_t, std::string, Point> choice;
  bool operator==(const Task&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, name, weights, points, notes, origin, choice);
  }
};

/// An instance is large in memory and tiny on the wire.
struct Large {
  std::array<double, 1000> unsent{};
  bool sent = false;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(sent);
  }
};

/// Move-only, and recursive.
struct Tree {
  std::int32_t value = 0;
  std::unique_ptr<Tree> left, right;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, left, right);
  }
};

/// Two kinds of shared objects.
struct Graph {
  std::vector<std::shared_ptr<Point>> points;
  std::vector<std::shared_ptr<std::string>> names;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(points, names);
  }
};

/// Children are owned, the way up is not.
struct Branch : std::enable_shared_from_this<Branch> {
  std::int32_t id = 0;
  std::vector<std::shared_ptr<Branch>> children;
  std::weak_ptr<Branch> parent;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, children, parent);
  }
};

/// As cereal's users write them: sizes that may count nothing that is there.
struct Matrix {
  std::uint64_t rows = 0, columns = 0;
  std::vector<double> cells;
  bool operator==(const Matrix&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::make_size_tag(rows), cereal::make_size_tag(columns), cells);
  }
};

/// Says by its fields what it is equal to, and by `id` which one it is.
struct Job {
  std::int32_t priority = 0, id = 0;
  bool operator==(const Job& other) const { return priority == other.priority; }
  bool operator<(const Job& other) const { return priority < other.priority; }
  bool operator>(const Job& other) const { return priority > other.priority; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(priority, id);
  }
};
template <>
struct std::hash<Job> {
  std::size_t operator()(const Job& job) const { return static_cast<std::size_t>(job.priority); }
};

struct Ring {
  std::shared_ptr<Ring> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
};

/// Not in the order of its fields.
struct Deferring {
  std::int32_t first = 0, last = 0;
  bool operator==(const Deferring&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(last), first);
  }
};

/// Two ways lead to the base.
struct Numbered {
  std::int32_t number = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number);
  }
};
template <int>
struct Side : virtual Numbered {
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::virtual_base_class<Numbered>(this));
  }
};
struct Diamond : Side<1>, Side<2> {
  Diamond() = default;
  explicit Diamond(std::int32_t with) { number = with; }
  bool operator==(const Diamond& other) const { return number == other.number; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Side<1>>(this), cereal::base_class<Side<2>>(this));
  }
};

inline Task example_task() {
  return {-5,
          "a name longer than any small string",
          {1.5, -2.5, 1e300},
          {{1, 2.0}, {3, 4.0}},
          {{"first", {"a", "b"}}, {"second", {}}},
          Point{7, 8.0},
          std::string{"chosen"}};
}
