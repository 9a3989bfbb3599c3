"""RSA keys of the ROCA weakness (CVE-2017-15361), told by their modulus alone: they can be factored.

Infineon's library made its primes of the form k * M + (65537^a mod M), M a product of small primes. So the modulus is
a power of 65537 modulo each of them, which the modulus of another key is by chance once in a billion.
"""

from math import prod

GENERATOR = 65537
# The odd primes up to 167: those of M for keys of 512 bits, which are in the M of every longer one as well.
PRIMES = tuple(n for n in range(3, 168, 2) if all(n % divisor for divisor in range(3, n, 2)))


def _powers(prime: int) -> frozenset[int]:
    return frozenset(pow(GENERATOR, exponent, prime) for exponent in range(prime - 1))


_POWERS = {prime: _powers(prime) for prime in PRIMES}
# One division of a long number instead of dozens.
_PRODUCT = prod(PRIMES)


def has_roca(modulus: int) -> bool:
    """Say whether a modulus carries the fingerprint."""
    rest = modulus % _PRODUCT
    return all(rest % prime in powers for prime, powers in _POWERS.items())
