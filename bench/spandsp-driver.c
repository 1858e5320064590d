/* Reads bare samples (16-bit, little endian, 8000 Hz) and prints per file what spandsp's detector finds in
   them: `name<TAB>digits`, one fresh detector a file, fed 20 ms at a time. The last line is
   `#<TAB>nanoseconds<TAB>frames`. */
#include <spandsp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { kFrame = 160, kMostDigits = 128 };

static long long nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char** argv) {
  long long spent = 0;
  long long frames = 0;
  for (int i = 1; i < argc; i++) {
    FILE* file = fopen(argv[i], "rb");
    if (file == NULL) return 1;
    dtmf_rx_state_t* detector = dtmf_rx_init(NULL, NULL, NULL);
    const char* slash = strrchr(argv[i], '/');
    printf("%s\t", slash == NULL ? argv[i] : slash + 1);
    int16_t samples[kFrame];
    size_t count;
    while ((count = fread(samples, sizeof samples[0], kFrame, file)) > 0) {
      char digits[kMostDigits + 1];
      const long long before = nanoseconds();
      dtmf_rx(detector, samples, (int)count);
      const size_t found = dtmf_rx_get(detector, digits, kMostDigits);
      spent += nanoseconds() - before;
      frames++;
      fwrite(digits, 1, found, stdout);
    }
    putchar('\n');
    dtmf_rx_free(detector);
    fclose(file);
  }
  printf("#\t%lld\t%lld\n", spent, frames);
  return 0;
}
