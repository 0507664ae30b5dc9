#include <cstdlib>
#include <filesystem>
#include <rankwire/errors.hpp>

#include "report/page.hpp"
#include "samples.hpp"

// What can go wrong where a report is written. What is in it: test_page.cpp.

using namespace comparison;
using rankwire::UsageError;

namespace {

/// PATH is another one until the end of the scope.
class OtherPath {
 public:
  explicit OtherPath(const std::string& path) { setenv("PATH", path.c_str(), 1); }
  ~OtherPath() { setenv("PATH", old_.c_str(), 1); }
  OtherPath(const OtherPath&) = delete;
  OtherPath& operator=(const OtherPath&) = delete;

 private:
  std::string old_ = std::getenv("PATH");
};

}  // namespace

TEST_CASE("report: without gnuplot the package is named") {
  const Folder folder;
  const OtherPath none{folder.path()};
  CHECK_THROWS_WITH_AS(write_report(sample("sample.json"), folder / "page.html"),
                       doctest::Contains("apt-get install gnuplot-nox"), UsageError);
  CHECK_FALSE(std::filesystem::exists(folder / "page.html"));
}

TEST_CASE("report: a file that cannot be written is named") {
  const Folder folder;
  CHECK_THROWS_WITH_AS(write_report(sample("sample.json"), folder / "no/page.html"),
                       doctest::Contains("/no/page.html': No such file or directory"), UsageError);
}

TEST_CASE("report: text from elsewhere gives gnuplot no commands") {
  const Folder folder;
  Results run = sample("sample.json");
  for (auto& figure : run.figures) {
    if (figure.transport == "zmq-ipc") {
      figure.transport =
          "'\nsystem 'touch " + folder / "made" + "'\n`touch " + folder / "made" + "`\n";
    }
  }
  write_report(run, folder / "page.html");
  CHECK_FALSE(std::filesystem::exists(folder / "made"));
  CHECK(content_of(folder / "page.html").find("id=\"plot-rate\"") != std::string::npos);
}

TEST_CASE("report: it stands alone, and leaves no files behind") {
  const Folder folder;
  const Folder temporary;
  setenv("TMPDIR", temporary.path().c_str(), 1);
  write_report(sample("sample.json"), folder / "page.html");
  unsetenv("TMPDIR");
  CHECK(std::filesystem::is_empty(temporary.path()));
  const std::string page = content_of(folder / "page.html");
  // Names of the formats inside, which nobody fetches, are all the addresses in it.
  std::string rest = page;
  for (const std::string name : {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}) {
    for (std::size_t at = 0; (at = rest.find(name)) != std::string::npos;)
      rest.erase(at, name.size());
  }
  CHECK(rest.find("://") == std::string::npos);
}

TEST_CASE("report: what was not measured in pairs has no ratio") {
  const Folder folder;
  Results run;
  for (const auto& figure : sample("sample.json").figures) {
    if (figure.measure == "idle" && figure.transport == "mpi-shm") run.figures = {figure};
  }
  REQUIRE(run.figures.size() == 1);
  const auto cells_of = [&] {
    write_report(run, folder / "page.html");
    const std::string page = content_of(folder / "page.html");
    const auto at = page.find("<td>MPI_Send, MPI_Recv</td>");
    return page.substr(at, page.find("</tr>", at) - at);
  };
  CHECK(cells_of().find("<td>0.0061</td>") != std::string::npos);
  run.figures[0].beside[0].ratio = {};
  CHECK(cells_of().find("<td>-</td><td>-</td><td>0</td>") != std::string::npos);
}

TEST_CASE("report: of few figures, or of none") {
  const Folder folder;
  write_report(Results{}, folder / "none.html");
  CHECK(content_of(folder / "none.html").find("This run has no figures.") != std::string::npos);
  for (const auto& figure : sample("sample.json").figures) {
    CAPTURE(figure.measure);
    Results run;
    run.figures = {figure};
    write_report(run, folder / "one.html");
    run.figures[0].beside.clear();
    run.figures[0].rankwire = {};
    write_report(run, folder / "zero.html");
    if (figure.bytes > 8) break;  // two of latency; each starts gnuplot
  }
  CHECK_THROWS_AS(write_report({}, {}, folder / "page.html"), UsageError);
}
