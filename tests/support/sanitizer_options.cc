// How the sanitizers work in our programs, built in, so that one run by hand is as strict as one in
// scripts/test. Linked into every program of a sanitizer preset. Options and the form of
// suppressions: github.com/google/sanitizers/wiki.
//
// The thread sanitizer sees only what it compiled. Debian's gRPC, Protobuf, Abseil and OpenSSL it
// did not, and Abseil's locks are futexes, which it does not know: what they guard looks like a
// race. So accesses from inside these libraries are passed over, and those of their inlined
// headers. Nothing of namespace etcdrill is named here: tests/support/racy.cc proves that a race of
// ours is seen all the same, also in objects of their types. What such a library does inside for us
// can't be seen: two threads that store a text in one Protobuf message go unnoticed.
extern "C" {

const char*
__asan_default_options();  // NOLINT(bugprone-reserved-identifier): the runtime asks for these names
const char* __asan_default_options() {
  return "detect_stack_use_after_return=1:check_initialization_order=1";
}

const char* __ubsan_default_options();  // NOLINT(bugprone-reserved-identifier)
const char* __ubsan_default_options() { return "print_stacktrace=1"; }

// c-ares 1.18 keeps the name of a host whose look-up ends early.
const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
const char* __lsan_default_suppressions() { return "leak:libcares.so\n"; }

const char* __tsan_default_options();  // NOLINT(bugprone-reserved-identifier)
const char* __tsan_default_options() { return "halt_on_error=1:second_deadlock_stack=1"; }

const char* __tsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
const char* __tsan_default_suppressions() {
  return "called_from_lib:libgrpc.so\n"
         "called_from_lib:libgrpc++.so\n"
         "called_from_lib:libgpr.so\n"
         "called_from_lib:libaddress_sorting.so\n"
         "called_from_lib:libcares.so\n"
         "called_from_lib:libupb.so\n"
         "called_from_lib:libprotobuf.so\n"
         "called_from_lib:libabsl_cord.so\n"
         "called_from_lib:libabsl_cord_internal.so\n"
         "called_from_lib:libabsl_graphcycles_internal.so\n"
         "called_from_lib:libabsl_random_internal_pool_urbg.so\n"
         "called_from_lib:libabsl_status.so\n"
         "called_from_lib:libabsl_str_format_internal.so\n"
         "called_from_lib:libabsl_strings.so\n"
         "called_from_lib:libabsl_synchronization.so\n"
         "called_from_lib:libabsl_time_zone.so\n"
         "called_from_lib:libcrypto.so\n"
         "called_from_lib:libssl.so\n"
         // What their headers put into our programs, where it is the access itself.
         "race_top:^grpc::\n"
         "race_top:^google::protobuf::\n"
         "race_top:^etcdserverpb::\n"
         "race_top:^mvccpb::\n"
         // The text of a call's status, copied out of the library's memory by its header.
         "race:^grpc::internal::CallOpClientRecvStatus::FinishOp\n";
}

}  // extern "C"
