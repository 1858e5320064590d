/* Reads WAV files (16-bit PCM, 8000 Hz, a header of 44 bytes) and prints per file what spandsp's detector
   finds in them: `name<TAB>5@1240 1@1340`, each digit with the end in milliseconds of the frame that told of
   it. One fresh detector a file, fed 20 ms at a time. The last line is `#<TAB>nanoseconds<TAB>frames`, of
   processor time. */
#include <spandsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kHeader = 44, kFrame = 160, kMostDigits = 128 };

static long long nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* All samples of a file; the caller frees them. */
static int16_t* readSamples(const char* path, size_t* count) {
  FILE* file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) return NULL;
  const long size = ftell(file) - kHeader;
  int16_t* samples = size < 0 || fseek(file, kHeader, SEEK_SET) != 0 ? NULL : malloc((size_t)size + 1);
  if (samples != NULL) *count = fread(samples, sizeof samples[0], (size_t)size / sizeof samples[0], file);
  fclose(file);
  return samples;
}

int main(int argc, char** argv) {
  long long spent = 0;
  long long frames = 0;
  for (int i = 1; i < argc; i++) {
    size_t count = 0;
    int16_t* samples = readSamples(argv[i], &count);
    if (samples == NULL) return 1;
    dtmf_rx_state_t* detector = dtmf_rx_init(NULL, NULL, NULL);
    const char* slash = strrchr(argv[i], '/');
    printf("%s\t", slash == NULL ? argv[i] : slash + 1);
    const char* between = "";
    const long long before = nanoseconds();
    for (size_t at = 0; at < count; at += kFrame) {
      const size_t size = count - at < kFrame ? count - at : kFrame;
      char digits[kMostDigits + 1];
      dtmf_rx(detector, samples + at, (int)size);
      const size_t found = dtmf_rx_get(detector, digits, kMostDigits);
      frames++;
      for (size_t n = 0; n < found; n++) {
        printf("%s%c@%zu", between, digits[n], (at + size) / 8);
        between = " ";
      }
    }
    spent += nanoseconds() - before;
    putchar('\n');
    dtmf_rx_free(detector);
    free(samples);
  }
  printf("#\t%lld\t%lld\n", spent, frames);
  return 0;
}
