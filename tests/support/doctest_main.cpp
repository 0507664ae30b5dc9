#include <doctest/doctest.h>

// For test programs that have no main of their own.
int main(int argc, char** argv) {
  return doctest::Context{argc, argv}.run();
}
