#pragma once

namespace comparison {

/// How the report looks: light or dark as the reader's system is, on a phone, and on paper.
extern const char* const report_style;

}  // namespace comparison
