package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/vision/gallery"
)

func newGalleryKeygenCommand() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "keygen FILE",
		Short: "Make a key that galleries are encrypted with",
		Long: `Makes a key of 32 random bytes. A new FILE gets it alone; into one that holds keys already it goes first, which makes it the
active one: then run "gallery rotate", and take the old key out. Whoever loses the keys loses the galleries: keep a copy in a safe place.`,
		Example: `  courtsense gallery keygen /etc/courtsense/gallery.key
  courtsense gallery keygen /etc/courtsense/gallery.key --id 2027 && courtsense gallery rotate`,
		Args: nameArgs(1, "the key file"),
	}
	cmd.Flags().StringVar(&id, "id", time.Now().UTC().Format("20060102"), "id of the new key")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := addKey(args[0], id); err != nil {
			return err
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "key %s is in %s; name it in galleries.key_file\n", id, args[0])
		return err
	}
	return cmd
}

func addKey(path, id string) error {
	old, err := os.ReadFile(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return err
	}
	if !fresh {
		if _, err := gallery.LoadKeyring(path); err != nil {
			return err // a file of something else must not become a key file
		}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	text := append([]byte(id+":"+base64.StdEncoding.EncodeToString(key)+"\n"), old...)
	if _, err := gallery.ParseKeyring(string(text)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	// Beside it and renamed: a crash must not take the keys that are there.
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}

// onGalleryFile is a command on the file itself.
func onGalleryFile(cmd *cobra.Command, use func(ctx context.Context, c *console, s *gallery.Store) error) {
	flags := addConfigFlags(cmd, "config", "set")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		cfg, err := app.GalleryConfig(loaded.Config)
		if err != nil {
			return err
		}
		if cfg.Keys == nil {
			return usagef("there is no key: set galleries.key_file or %s; 'courtsense gallery keygen FILE' makes one", conf.GalleryKeyVariable)
		}
		if _, err := os.Stat(cfg.Path); err != nil {
			return fmt.Errorf("there are no galleries yet: %w", err)
		}
		c := newConsole(cmd)
		cfg.Logger = c.logger()
		s, err := gallery.Open(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return use(cmd.Context(), c, s)
	}
}

func newGalleryRotateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rotate", Short: "Encrypt all galleries anew with the active key", Args: cobra.NoArgs,
		Long:    `Encrypts everything anew that is not under the first key of the key file. It can be interrupted and run again.`,
		Example: `  courtsense gallery rotate --set galleries.key_file=/etc/courtsense/gallery.key`,
	}
	onGalleryFile(cmd, func(ctx context.Context, c *console, s *gallery.Store) error {
		done, err := s.Rotate(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "%s and %s are under the active key now; the old one is needed no more\n",
			plural(done.Galleries, "more gallery key"), plural(done.Records, "more record"))
		return err
	})
	return cmd
}

func newGalleryCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "Read and decrypt every record, and name what is damaged", Args: cobra.NoArgs,
		Example: `  courtsense gallery check`,
	}
	onGalleryFile(cmd, func(ctx context.Context, c *console, s *gallery.Store) error {
		damaged := false
		err := eachGallery(ctx, s, func(g gallery.Gallery) error {
			r, err := s.Check(ctx, g.Name)
			if err != nil {
				damaged = true
				c.fail(g.Name, err)
				return nil
			}
			fmt.Fprintf(c.out, "%s: %s with %s whole\n", g.Name, plural(r.Persons, "person"), plural(r.Templates, "template"))
			for _, d := range r.Damaged {
				damaged = true
				c.fail(g.Name, fmt.Errorf("%s: %w", d.Kind, d.Err))
			}
			return nil
		})
		if err == nil && damaged {
			return errReported
		}
		return err
	})
	return cmd
}

func newGalleryRepairCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "repair --gallery NAME", Short: "Give up the damaged records of a gallery, so that the others can be used again", Args: cobra.NoArgs,
		Long:    `Deletes what "gallery check" calls damaged. Restore a backup instead where there is one: nobody can say afterwards who is missing.`,
		Example: `  courtsense gallery repair --gallery staff`,
	}
	cmd.Flags().StringVar(&name, "gallery", "", "name of the gallery")
	onGalleryFile(cmd, func(ctx context.Context, c *console, s *gallery.Store) error {
		if err := needGallery(name); err != nil {
			return err
		}
		r, err := s.Repair(ctx, name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "%s: deleted %s and %s; compare the gallery with your own list of persons\n", name, plural(r.Persons, "person"), plural(r.Templates, "template"))
		return err
	})
	return cmd
}

func eachGallery(ctx context.Context, s *gallery.Store, do func(gallery.Gallery) error) error {
	for token := ""; ; {
		page, next, err := s.ListGalleries(ctx, 0, token)
		if err != nil {
			return err
		}
		for _, g := range page {
			if err := do(g); err != nil {
				return err
			}
		}
		if token = next; token == "" {
			return nil
		}
	}
}
