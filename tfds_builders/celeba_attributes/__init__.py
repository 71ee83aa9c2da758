"""celeba_attributes: the aligned faces of CelebA with their 40 attributes as factors."""
