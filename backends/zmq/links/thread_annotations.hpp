#pragma once

// What clang's thread-safety analysis is told
// (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html); nothing for other compilers. .ci/run
// fuzz compiles with clang, and takes its warnings as errors.

#if defined(__clang__)
#define RANKWIRE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define RANKWIRE_THREAD_ANNOTATION(x)
#endif

/// On a class: one that threads take in turn. On the class of a block that holds it.
#define RANKWIRE_CAPABILITY(x) RANKWIRE_THREAD_ANNOTATION(capability(x))
#define RANKWIRE_SCOPED_CAPABILITY RANKWIRE_THREAD_ANNOTATION(scoped_lockable)
/// On a member, or on what a pointer leads to: only for who holds x.
#define RANKWIRE_GUARDED_BY(x) RANKWIRE_THREAD_ANNOTATION(guarded_by(x))
#define RANKWIRE_PT_GUARDED_BY(x) RANKWIRE_THREAD_ANNOTATION(pt_guarded_by(x))
/// On a function: its caller holds x.
#define RANKWIRE_REQUIRES(...) RANKWIRE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
/// On a function: takes, tries to take, gives back; or is only called by who holds it.
#define RANKWIRE_ACQUIRE(...) RANKWIRE_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RANKWIRE_TRY_ACQUIRE(...) RANKWIRE_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define RANKWIRE_RELEASE(...) RANKWIRE_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define RANKWIRE_ASSERT_HELD(x) RANKWIRE_THREAD_ANNOTATION(assert_capability(x))
/// On a function that is not looked at; its comment says why that is sound.
#define RANKWIRE_NOT_ANALYZED RANKWIRE_THREAD_ANNOTATION(no_thread_safety_analysis)
