/* spandsp's G.722 over files of bare 16-bit samples at 16000 Hz: prints nanoseconds of processor time to encode and to decode 20 ms. */
#include <spandsp.h>
#include <stdio.h>
#include <time.h>

enum { kFrame = 320, kMost = 16000 * 120, kRounds = 5 };

static int16_t pcm[kMost];
static int16_t out[kMost];
static uint8_t payload[kMost / 2];

static double processorNs(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1e9 + now.tv_nsec;
}

int main(int count, char **files) {
  FILE *file = count == 2 ? fopen(files[1], "rb") : NULL;
  if (file == NULL) return 64;
  int frames = (int)(fread(pcm, 2, kMost, file) / kFrame);
  fclose(file);
  double encodeNs = 1e18, decodeNs = 1e18;
  for (int round = 0; round < kRounds; round++) {
    g722_encode_state_t *encoder = g722_encode_init(NULL, 64000, 0);
    g722_decode_state_t *decoder = g722_decode_init(NULL, 64000, 0);
    double start = processorNs();
    for (int n = 0; n < frames; n++) g722_encode(encoder, payload + n * 160, pcm + n * kFrame, kFrame);
    double encoded = processorNs();
    for (int n = 0; n < frames; n++) g722_decode(decoder, out + n * kFrame, payload + n * 160, 160);
    double decoded = processorNs();
    if ((encoded - start) / frames < encodeNs) encodeNs = (encoded - start) / frames;
    if ((decoded - encoded) / frames < decodeNs) decodeNs = (decoded - encoded) / frames;
  }
  printf("%.0f\t%.0f\n", encodeNs, decodeNs);
  return 0;
}
