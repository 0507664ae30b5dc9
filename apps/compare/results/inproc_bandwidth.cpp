#include "results/inproc_bandwidth.hpp"

namespace comparison {

Named no_inproc_bandwidth() {
  return {"inproc: bandwidth",
          "a message is handed over and its bytes stay where they are, so that bytes a second mean "
          "nothing; see latency, whose time does not grow"};
}

void leave_out_inproc_bandwidth(Results& run) {
  const auto count = std::erase_if(run.figures, [](const Figure& figure) {
    return figure.transport == "inproc" && figure.measure == "bandwidth";
  });
  if (count > 0) run.left_out.push_back(no_inproc_bandwidth());
}

}  // namespace comparison
