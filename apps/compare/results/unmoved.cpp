#include "results/unmoved.hpp"

namespace comparison {

Named unmoved() {
  return {"inproc: bandwidth",
          "a message is handed over and its bytes stay where they are, so that bytes a second mean "
          "nothing; see latency, whose time does not grow"};
}

void leave_out_unmoved(Results& run) {
  const auto count = std::erase_if(run.figures, [](const Figure& figure) {
    return figure.transport == "inproc" && figure.measure == "bandwidth";
  });
  if (count > 0) run.left_out.push_back(unmoved());
}

}  // namespace comparison
