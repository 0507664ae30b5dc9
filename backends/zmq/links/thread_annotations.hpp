#pragma once

// Annotations for clang's thread-safety analysis
// (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html). Other compilers ignore them. .ci/run
// fuzz compiles with clang and takes its warnings as errors.

#if defined(__clang__)
#define RANKWIRE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define RANKWIRE_THREAD_ANNOTATION(x)
#endif

/// CAPABILITY: on a class that threads take in turn. SCOPED_CAPABILITY: on the class of an object
/// that holds it for a block.
#define RANKWIRE_CAPABILITY(x) RANKWIRE_THREAD_ANNOTATION(capability(x))
#define RANKWIRE_SCOPED_CAPABILITY RANKWIRE_THREAD_ANNOTATION(scoped_lockable)
/// GUARDED_BY: on a member that only a holder of x may use. PT_GUARDED_BY: the same for what a
/// pointer leads to.
#define RANKWIRE_GUARDED_BY(x) RANKWIRE_THREAD_ANNOTATION(guarded_by(x))
#define RANKWIRE_PT_GUARDED_BY(x) RANKWIRE_THREAD_ANNOTATION(pt_guarded_by(x))
/// On a function whose caller must hold x.
#define RANKWIRE_REQUIRES(...) RANKWIRE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
/// On a function that takes x, tries to take it, gives it back, or is only called by its holder.
#define RANKWIRE_ACQUIRE(...) RANKWIRE_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RANKWIRE_TRY_ACQUIRE(...) RANKWIRE_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define RANKWIRE_RELEASE(...) RANKWIRE_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define RANKWIRE_ASSERT_HELD(x) RANKWIRE_THREAD_ANNOTATION(assert_capability(x))
/// On a function that clang does not check. Its comment says why it is sound.
#define RANKWIRE_NOT_ANALYZED RANKWIRE_THREAD_ANNOTATION(no_thread_safety_analysis)
