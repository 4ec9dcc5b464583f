// A libcuda.so.1 without anything in it.
extern "C" int mneme_fake_driver() { return 1; }
