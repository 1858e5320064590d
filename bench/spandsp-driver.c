/* Reads WAV files (16-bit PCM, 8000 Hz, a header of 44 bytes) and prints per file what spandsp's detector finds in
   them: `name<TAB>5@1240 1@1340`, each digit with the end in milliseconds of the frame that told of it. One fresh
   detector a file, fed 20 ms at a time. The last line is `#<TAB>nanoseconds<TAB>frames`. */
#include <spandsp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { kHeader = 44, kFrame = 160, kMostDigits = 128 };

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
    if (file == NULL || fseek(file, kHeader, SEEK_SET) != 0) return 1;
    dtmf_rx_state_t* detector = dtmf_rx_init(NULL, NULL, NULL);
    const char* slash = strrchr(argv[i], '/');
    printf("%s\t", slash == NULL ? argv[i] : slash + 1);
    int16_t samples[kFrame];
    size_t count;
    size_t heard = 0;
    const char* between = "";
    while ((count = fread(samples, sizeof samples[0], kFrame, file)) > 0) {
      char digits[kMostDigits + 1];
      const long long before = nanoseconds();
      dtmf_rx(detector, samples, (int)count);
      const size_t found = dtmf_rx_get(detector, digits, kMostDigits);
      spent += nanoseconds() - before;
      frames++;
      heard += count;
      for (size_t n = 0; n < found; n++) {
        printf("%s%c@%zu", between, digits[n], heard / 8);
        between = " ";
      }
    }
    putchar('\n');
    dtmf_rx_free(detector);
    fclose(file);
  }
  printf("#\t%lld\t%lld\n", spent, frames);
  return 0;
}
