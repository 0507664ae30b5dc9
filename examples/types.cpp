// Classes of your own, with containers in them, and in containers. Each rank sends a drawing to
// rank 0, which measures it; rank 0 sends one to itself, too. A receiver that asks for another type
// than was sent gets an error. Run it as `types -n 3`.

#include <cstdio>
#include <map>
#include <numbers>
#include <rankwire/rankwire.hpp>
#include <string>
#include <variant>
#include <vector>

namespace {

constexpr int drawing_tag = 1;

struct Circle {
  double radius = 0;

  double area() const { return std::numbers::pi * radius * radius; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(radius);
  }
};

struct Rectangle {
  double width = 0, height = 0;

  double area() const { return width * height; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(width, height);
  }
};

struct Drawing {
  std::string title;
  std::map<std::string, std::vector<std::variant<Circle, Rectangle>>> layers;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(title, layers);
  }
};

Drawing draw(int rank) {
  return {"drawing of rank " + std::to_string(rank),
          {{"ground", {Rectangle{4.0 + rank, 3}, Rectangle{2, 1}}},
           {"sky", {Circle{1.0 + rank}, Rectangle{2, 1}}}}};
}

void print(const Drawing& drawing) {
  std::printf("%s:\n", drawing.title.c_str());
  for (const auto& [name, shapes] : drawing.layers) {
    double area = 0;
    for (const auto& shape : shapes) {
      area += std::visit([](const auto& one) { return one.area(); }, shape);
    }
    std::printf("  %s: %zu shapes, area %.3f\n", name.c_str(), shapes.size(), area);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, [](rankwire::Channel& world) {
    rankwire::send(world, 0, drawing_tag, draw(world.rank()));
    if (world.rank() > 0) return;
    for (int rank = 0; rank < world.size(); ++rank) {
      print(rankwire::recv<Drawing>(world, rank, drawing_tag));
    }
  });
}
