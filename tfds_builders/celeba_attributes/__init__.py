"""celeba_attributes: aligned faces of CelebA with their 40 attributes as factors."""
