// Repeatable random numbers (mulberry32), for the points at which a program is killed.
export class Random {
  constructor(seed) {
    this.state = seed >>> 0
  }

  // At least 0, below 1.
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  // A whole number from `low` to `high`, both included.
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1))
  }
}
